/** Names of packages a configuration mentions. */
export class PrismaInstrumentation {}
export class OpenAIInstrumentation {}
export const axiomExporter = { export: () => undefined };

const extension = (name: string) => (options: object) => ({ name, options });
export const additionalFiles = extension("additionalFiles");
export const additionalPackages = extension("additionalPackages");
export const aptGet = extension("aptGet");
