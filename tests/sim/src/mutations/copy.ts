/** A copy of what the simulation and the pure tests need, built as it is, in which a rule may be broken. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";
import type { Mutation } from "./mutations.ts";

const COPIED = ["proto", "sdk/nats", "sdk/typescript", "services/kit", "services/coordinator"];
const COPIED_TOO = ["services/scheduler", "services/worker-agent", "tests/sim"];
/** For the tests that mutations name. */
const FOR_TESTS = ["deploy/nats", "tests/harness"];
const ALL = [...COPIED, ...COPIED_TOO, ...FOR_TESTS];
const FILES = ["package.json", "tsconfig.base.json"];

export class Copy {
  readonly dir: string;
  readonly #root: string;

  /** @param root of the working tree, which is only read */
  constructor(root: string) {
    this.#root = root;
    this.dir = mkdtempSync(join(tmpdir(), "millrace-mutation-"));
    for (const each of ALL) this.#copyPackage(each);
    for (const file of FILES) cpSync(join(root, file), join(this.dir, file));
    this.#linkModules();
  }

  /** Breaks the rule, in the source and in what was built of it. @returns how to mend it */
  apply({ file, source, replacement }: Mutation): () => void {
    const path = join(this.dir, file);
    const built = path.replace("/src/", "/dist/").replace(/\.ts$/, ".js");
    const [before, builtBefore] = [readFileSync(path, "utf8"), readFileSync(built, "utf8")];
    const broken = before.replace(source, () => replacement);
    writeFileSync(path, broken);
    const { code } = transformSync(broken, { loader: "ts", target: "es2023" });
    writeFileSync(built, code.replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
    return () => {
      writeFileSync(path, before);
      writeFileSync(built, builtBefore);
    };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #copyPackage(name: string): void {
    mkdirSync(dirname(join(this.dir, name)), { recursive: true });
    cpSync(join(this.#root, name), join(this.dir, name), {
      recursive: true,
      filter: (path) => !path.endsWith("node_modules"),
    });
    const own = join(this.#root, name, "node_modules");
    if (existsSync(own)) symlinkSync(own, join(this.dir, name, "node_modules"));
  }

  /** Everything that is installed, but for the packages that are copied. */
  #linkModules(): void {
    const modules = join(this.dir, "node_modules");
    mkdirSync(join(modules, "@millrace"), { recursive: true });
    for (const name of readdirSync(join(this.#root, "node_modules")))
      if (name !== "@millrace" && !name.startsWith(".cache"))
        symlinkSync(join(this.#root, "node_modules", name), join(modules, name));
    for (const each of ALL) {
      const { name } = JSON.parse(readFileSync(join(this.dir, each, "package.json"), "utf8")) as {
        name: string;
      };
      symlinkSync(join(this.dir, each), join(modules, name));
    }
  }
}
