/**
 * The local files of a module: the module and the files that it imports. Packages and losskit's own files are not
 * included.
 *
 * @module
 */
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as v from "valibot";
import { parseJson } from "../file/json.ts";
import { configArguments, lockFile, PACKAGE_URL } from "../file/package.ts";
import { UserError } from "../error/user_error.ts";

/** The resolution of an import, and its place in the importing file, from 0. */
interface Target {
  readonly specifier?: string;
  readonly span?: { readonly start: { readonly line: number; readonly character: number } };
}

/** A module in the output of `deno info --json`. */
interface GraphModule {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: Target;
    readonly type?: Target;
  }[];
}

/**
 * Returns the packages of `deno.lock`, as imports name them. A run's ID includes no packages, so modules import only those
 * whose versions losskit determines.
 */
function lockedSpecifiers(): readonly string[] {
  const lock = lockFile();
  if (lock === undefined) return [];
  return Object.keys(v.parse(lockSchema, parseJson(Deno.readFileSync(lock))).specifiers);
}

const lockSchema = v.object({ specifiers: v.record(v.string(), v.string()) });

/**
 * Returns the paths of a module and of the local files that it imports, directly or indirectly.
 *
 * @param entry Absolute path of the module.
 * @throws {UserError} If a file is missing or has a syntax error, or an import is not a file, a package or losskit.
 */
export async function localFiles(entry: string): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", ...configArguments(), pathToFileURL(entry).href],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot read the module ${entry}: ${reason.replace(/\.$/, "")}. Correct the module.`);
  };
  if (!success) return refuse(text(stderr).split("\n")[0]!.replace(/^error: /, ""));
  const { modules } = JSON.parse(text(stdout)) as { modules: readonly GraphModule[] };
  const lib = `${PACKAGE_URL}lib/`;
  const local = modules.filter(({ specifier }) =>
    specifier.startsWith("file:") && !specifier.startsWith(lib)
  );
  const missing = new Set(
    local.filter(({ error }) => error?.startsWith("Module not found")).map((m) => m.specifier),
  );
  const locked = lockedSpecifiers();
  for (const { specifier, dependencies = [] } of local) {
    for (const { specifier: word, code, type } of dependencies) {
      const { specifier: target = "", span } = code ?? type ?? {};
      const place = `${basename(specifier)}:${(span?.start.line ?? 0) + 1}`;
      if (missing.has(target)) return refuse(`expected the file ${word}, imported at ${place}, got none`);
      if (/^https?:/.test(target)) {
        return refuse(`expected imports of local files and packages, got ${word} at ${place}`);
      }
      if (/^(npm|jsr):/.test(word) && !locked.includes(word)) {
        return refuse(
          `expected packages of losskit, such as @tensorflow/tfjs, got ${word} at ${place}. ` +
            "Copy the package's files beside the module, and import them by their path",
        );
      }
      if (target.startsWith(lib) && /^[./]/.test(word)) {
        return refuse(`expected losskit to be imported as @losskit/losskit, got ${word} at ${place}`);
      }
    }
  }
  for (const { error } of local) {
    if (error === undefined) continue;
    const [, at] = /at file:\S*?([^/\s]+:\d+:\d+)/.exec(error) ?? [];
    return refuse(`${error.split("\n")[0]!.replace(/\.$/, "")}${at === undefined ? "" : ` at ${at}`}`);
  }
  return local.map(({ specifier }) => fileURLToPath(specifier));
}
