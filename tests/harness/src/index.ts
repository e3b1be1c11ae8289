export { Millrace } from "./millrace.ts";
export type { Env } from "./millrace.ts";
export { freePort, ServiceProcess } from "./service-process.ts";
export type { ServiceName } from "./service-process.ts";
export { cpuSeconds } from "./cpu.ts";
export { Ledger } from "./ledger.ts";
export { overlap, readMarks } from "./marks.ts";
