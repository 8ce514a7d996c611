/**
 * Python environments in losskit's cache. Their packages have exact versions and are verified by hash.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { cacheDir } from "./cache.ts";
import { hashFile } from "../file/hash_file.ts";
import { runPython, runTool } from "./python.ts";

/** Options of a Python environment. */
export interface EnvironmentOptions {
  /** Name of the environment's folder in the cache. */
  readonly name: string;
  /**
   * Path of a requirements file with the exact version and the hashes of every package, as `uv pip compile
   * --generate-hashes` writes it.
   */
  readonly list: string;
  /** Called with the environment's folder before losskit creates the environment. Default: no call. */
  readonly onMake?: (folder: string) => void;
}

/**
 * Returns the path of an environment's Python. Creates the environment if it is missing or broken, or was created from
 * another list.
 *
 * Installs only wheels whose hashes are in the list. No package's code runs during installation.
 *
 * @throws {UserError} If the environment cannot be created.
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
  // The Python that the environment is based on may have been removed.
  if (made === hash && (await runPython(python, ["-c", ""])).failure === undefined) return python;
  onMake?.(folder);
  const hashed = ["--quiet", "--require-hashes", "--only-binary=:all:", "-r", list];
  const failures: string[] = [];
  const venv = await runPython("python3", ["-m", "venv", "--clear", folder]);
  const failed = venv.failure ??
    (await runPython(python, ["-m", "pip", "install", "--disable-pip-version-check", ...hashed])).failure;
  if (failed !== undefined) {
    failures.push(`  python3 -m venv: ${failed}`);
    // In the cache, so that uv reads no configuration from the current folder.
    const uv = (await runTool("uv", ["venv", "--quiet", "--clear", folder], { cwd: cache })).failure ??
      (await runTool("uv", ["pip", "install", "--python", python, ...hashed], { cwd: cache })).failure;
    if (uv !== undefined) {
      failures.push(`  uv: ${uv}`);
      await Deno.remove(folder, { recursive: true }).catch(() => {});
      throw new UserError(`Cannot create the Python environment ${folder}. Tried:\n${failures.join("\n")}`);
    }
  }
  await Deno.writeTextFile(whole, hash);
  return python;
}
