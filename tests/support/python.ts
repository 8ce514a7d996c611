/**
 * Python environments with packages of exact versions and hashes, each made once and kept in the user's cache.
 *
 * `python/NAME.in` names the packages of an environment, and `python/NAME.txt` locks them and all that they need. The
 * first lines of `NAME.txt` are the command that makes it (uv 0.13), run in that folder.
 *
 * @module
 */
import { join } from "node:path";
import { ensurePython } from "../../lib/fetch/python_environment.ts";

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
 * @param name The list in `python/` that it is installed from.
 */
export async function pythonWith(name: string): Promise<string> {
  return await ensurePython({
    name: `test-${name}`,
    list: join(import.meta.dirname!, "python", `${name}.txt`),
  });
}
