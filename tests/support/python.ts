/**
 * Python environments with packages of exact versions and hashes. Each is created once and stored in the user's cache.
 *
 * `python/NAME.in` lists the packages of an environment. `python/NAME.txt` locks them and their dependencies. The first lines
 * of `NAME.txt` are the command that creates the file (uv 0.13), run in that folder.
 *
 * @module
 */
import { join } from "node:path";
import { ensurePython } from "../../lib/fetch/python_environment.ts";

/** Runs a command and returns its output. */
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
 * Returns the Python interpreter of an environment.
 *
 * @param name Name of the list in `python/`.
 */
export async function pythonWith(name: string): Promise<string> {
  return await ensurePython({
    name: `test-${name}`,
    list: join(import.meta.dirname!, "python", `${name}.txt`),
  });
}
