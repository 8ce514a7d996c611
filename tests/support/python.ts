/**
 * Python environments with packages of exact versions, each made once and kept in the user's cache.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDir } from "../../lib/fetch/cache.ts";

/** What reads exported tables in tests. */
export const TABLE_READERS = [
  "duckdb==2.0.1",
  "pandas==3.1.1",
  "pyarrow==26.0.1",
  "tensorboard==2.21.0",
] as const;

/** Runs a command and returns what it printed. */
export async function capture(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, env, stdin: "null" }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`${program} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
}

/**
 * The Python of an environment.
 *
 * @param packages What it has, as `name==version`: exact, so that a new release breaks nothing unseen. The first one
 * names the environment's folder.
 */
export async function pythonWith(packages: readonly [string, ...string[]]): Promise<string> {
  const [name, version] = packages[0].split("==") as [string, string];
  const folder = join(cacheDir(), `${name}-${version}`);
  const python = join(folder, "bin", "python"), whole = join(folder, "whole");
  await Deno.mkdir(cacheDir(), { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  try {
    await Deno.stat(whole);
    await capture(python, ["--version"]); // a Python that it was made of may have gone
  } catch {
    await capture("python3", ["-m", "venv", "--clear", folder]);
    await capture(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
    await Deno.writeTextFile(whole, "");
  }
  return python;
}
