/**
 * A Python environment with nbclient, made once and kept in the user's cache.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDir } from "../../lib/fetch/cache.ts";

/** Exact versions, so that a new release breaks nothing unseen. */
const PACKAGES = ["nbclient==0.11.0", "nbformat==5.11.1", "jupyter_client==8.10.0"];

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

/** The Python of the environment. */
export async function jupyterPython(): Promise<string> {
  const folder = join(cacheDir(), `nbclient-${PACKAGES[0]!.split("==")[1]}`);
  const python = join(folder, "bin", "python");
  await Deno.mkdir(cacheDir(), { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  try {
    await capture(python, ["-c", "import nbclient"]);
  } catch {
    await capture("python3", ["-m", "venv", "--clear", folder]);
    await capture(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  }
  return python;
}
