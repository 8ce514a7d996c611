/**
 * Paths that users type. `deno task` runs in the folder of deno.json. The variable INIT_CWD contains the folder in which the
 * user typed the command. Relative paths refer to that folder.
 *
 * @module
 */
import type { Command } from "commander";
import { isAbsolute, join, relative, resolve } from "node:path";
import { isModulePath } from "../options/content_name.ts";
import { exists } from "../file/exists.ts";

/** Placeholders of options and names of arguments that are paths. A corpus may also be a built-in name. */
const PATHS: readonly string[] = [
  ...[
    "folder",
    "folders",
    "file",
    "files",
    "dir",
    "model",
    "run",
    "spec",
    "plan",
    "what",
    "corpus",
    "tokenizer",
  ],
  ...["architecture", "loss", "optimizer", "schedule"],
];

/** The folder to which typed paths refer, and the folder of the process. */
export interface TypingPlace {
  /** Folder in which the user typed the command. */
  readonly typed: string;
  /** Folder of the process. */
  readonly cwd: string;
}

/**
 * Returns both folders if the environment variable `INIT_CWD` names a folder other than that of the process. Otherwise
 * returns undefined. Removes the variable, so that child processes do not resolve their arguments again.
 */
export function typingPlace(): TypingPlace | undefined {
  const name = "INIT_CWD", cwd = Deno.cwd();
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  const typed = Deno.env.get(name);
  Deno.env.delete(name);
  return typed === undefined || !isAbsolute(typed) || resolve(typed) === cwd ? undefined : { typed, cwd };
}

/**
 * Converts a typed path to a path that the process can open from its own folder.
 *
 * If the path exists in only one of the two folders, that folder is used. Otherwise, the folder of `INIT_CWD` is used
 * if it is inside the folder of the process. A folder outside may come from another program that set the variable.
 */
export function typedPath(path: string, { typed, cwd }: TypingPlace): string {
  if (path === "" || isAbsolute(path)) return path;
  const isInside = !/^\.\.([\\/]|$)/.test(relative(cwd, typed));
  const own = isInside ? relative(cwd, join(typed, path)) || "." : join(typed, path);
  const [first, second] = isInside ? [own, path] : [path, own];
  return isThere(resolve(cwd, first)) || !isThere(resolve(cwd, second)) ? first : second;
}

/** Returns whether a path exists. A glob pattern exists if the folder before its first special character does. */
function isThere(path: string): boolean {
  if (exists(path)) return true;
  const [start = ""] = path.split(/[*?[{]/);
  return start !== path && exists(start.replace(/[^\\/]*$/, ""));
}

/**
 * Changes a command and its subcommands so that they resolve all options and arguments that are paths with {@linkcode
 * typedPath}.
 */
export function resolveTypedPaths(program: Command): void {
  const place = typingPlace();
  if (place === undefined) return;
  program.hook("preAction", async (_, action) => {
    const { isMarkovName } = await import("../../data/markov.ts");
    const { isTokenizerPath } = await import("../text/tokenizer_name.ts");
    const isWord: Record<string, (value: string) => boolean> = {
      corpus: (value) => value === "shakespeare" || isMarkovName(value),
      model: (value) => value === "none",
      tokenizer: (value) => !isTokenizerPath(value),
    };
    for (const field of ["architecture", "loss", "optimizer", "schedule"]) {
      isWord[field] = (value) => !isModulePath(value);
    }
    const one = (value: unknown, kind: string) =>
      typeof value !== "string" || isWord[kind]?.(value) ? value : typedPath(value, place);
    const all = (value: unknown, kind: string) =>
      Array.isArray(value) ? value.map((item) => one(item, kind)) : one(value, kind);
    for (const option of action.options) {
      const [, word = ""] = /[<[]([a-z]+)/.exec(option.flags) ?? [];
      const key = option.attributeName(),
        kind = key === "vocab" ? "tokenizer" : word,
        source = action.getOptionValueSource(key);
      if (source !== "cli" || !PATHS.includes(kind)) continue;
      action.setOptionValueWithSource(key, all(action.getOptionValue(key), kind), source);
    }
    action.registeredArguments.forEach((argument, i) => {
      if (!PATHS.includes(argument.name()) || action.processedArgs[i] === argument.defaultValue) return;
      action.processedArgs[i] = all(action.processedArgs[i], argument.name());
    });
  });
}
