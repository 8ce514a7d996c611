/**
 * losskit's own Jupyter kernelspec: Deno's kernel, which Stop leaves alive. `stop.ts` says what Stop does.
 *
 * @module
 */
import { join } from "node:path";
import { CONNECTION_VARIABLE } from "./kernel_outputs.ts";

/** The kernel's name, which the notebooks ask for. */
export const KERNEL_NAME = "losskit";

/**
 * Writes the kernelspec where Jupyter finds it.
 *
 * @param dataDir A folder of `JUPYTER_PATH`, or Jupyter's own data folder.
 * @returns The kernelspec's folder.
 */
export function writeKernelspec(dataDir: string): string {
  const folder = join(dataDir, "kernels", KERNEL_NAME);
  Deno.mkdirSync(folder, { recursive: true });
  const spec = {
    // Deno ends at a signal that nobody listens to. One that is ignored from the start can be listened to later.
    argv: [
      "/bin/sh",
      "-c",
      `trap '' INT; ${CONNECTION_VARIABLE}="$1" exec "$0" jupyter --kernel --conn "$1"`,
      Deno.execPath(),
      "{connection_file}",
    ],
    display_name: "Deno (losskit)",
    language: "typescript",
    interrupt_mode: "signal",
  };
  Deno.writeTextFileSync(join(folder, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
  return folder;
}

/** Jupyter's data folder of this user: `JUPYTER_DATA_DIR`, or the system's convention. */
export function jupyterDataDir(): string {
  const own = Deno.env.get("JUPYTER_DATA_DIR");
  if (own) return own;
  const home = Deno.env.get("HOME") ?? ".";
  if (Deno.build.os === "darwin") return join(home, "Library", "Jupyter");
  return join(Deno.env.get("XDG_DATA_HOME") || join(home, ".local", "share"), "jupyter");
}
