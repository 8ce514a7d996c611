/**
 * Python environments of exact packages, checked by hash, in the user's cache.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { cacheDir } from "./cache.ts";
import { hashFile } from "./file_hash.ts";
import { runPython, runTool } from "./python.ts";

/** An environment to make. */
export interface EnvironmentOptions {
  /** The name of its folder in the cache. */
  readonly name: string;
  /** The locked list: every package with its version and hashes, as `uv pip compile --generate-hashes` writes it. */
  readonly list: string;
  /** Called with the environment's folder before it is made. Default: nothing. */
  readonly onMake?: (folder: string) => void;
}

/**
 * Returns the Python of an environment, which is made where it is missing, broken, or of another list.
 *
 * Only wheels whose hashes are in the list are installed: no code of a package runs while it is installed.
 *
 * @throws {UserError} when it cannot be made.
 */
export async function ensurePython({ name, list, onMake }: EnvironmentOptions): Promise<string> {
  const cache = cacheDir();
  await Deno.mkdir(cache, { recursive: true });
  const folder = join(cache, name), whole = join(folder, "whole");
  const python = join(folder, "bin", "python");
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  const hash = await hashFile(list);
  const made = await Deno.readTextFile(whole).catch(() => undefined);
  // The Python that the environment was made of may have been removed.
  if (made === hash && (await runPython(python, ["-c", ""])).failure === undefined) return python;
  onMake?.(folder);
  const hashed = ["--quiet", "--require-hashes", "--only-binary=:all:", "-r", list];
  const failures: string[] = [];
  const venv = await runPython("python3", ["-m", "venv", "--clear", folder]);
  const failed = venv.failure ??
    (await runPython(python, ["-m", "pip", "install", "--disable-pip-version-check", ...hashed])).failure;
  if (failed !== undefined) {
    failures.push(`  python3 -m venv: ${failed}`);
    // In the cache, so that uv reads no configuration of the current folder.
    const uv = (await runTool("uv", ["venv", "--quiet", "--clear", folder], { cwd: cache })).failure ??
      (await runTool("uv", ["pip", "install", "--python", python, ...hashed], { cwd: cache })).failure;
    if (uv !== undefined) {
      failures.push(`  uv: ${uv}`);
      await Deno.remove(folder, { recursive: true }).catch(() => {});
      throw new UserError(`Cannot make the Python environment ${folder}. Tried:\n${failures.join("\n")}`);
    }
  }
  await Deno.writeTextFile(whole, hash);
  return python;
}
