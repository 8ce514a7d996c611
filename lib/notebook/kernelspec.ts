/**
 * losskit's Jupyter kernelspec: Deno's kernel, kept alive when the user clicks Stop. See `stop.ts`.
 *
 * @module
 */
import { join } from "node:path";
import { lastingDeno } from "../fetch/lasting_deno.ts";
import { CONNECTION_VARIABLE } from "./kernel_outputs.ts";

/** Name of the kernel in the notebooks' metadata. */
export const KERNEL_NAME = "losskit";

/**
 * Writes the kernelspec to a folder that Jupyter searches.
 *
 * @param dataDir Folder of `JUPYTER_PATH`, or Jupyter's data folder.
 * @returns Folder of the kernelspec.
 */
export function writeKernelspec(dataDir: string): string {
  const folder = join(dataDir, "kernels", KERNEL_NAME);
  Deno.mkdirSync(folder, { recursive: true });
  const spec = {
    // A signal without a listener ends Deno. A signal that is ignored from the start can still get a listener later.
    argv: [
      "/bin/sh",
      "-c",
      `trap '' INT; ${CONNECTION_VARIABLE}="$1" exec "$0" jupyter --kernel --conn "$1"`,
      lastingDeno(),
      "{connection_file}",
    ],
    display_name: "Deno (losskit)",
    language: "typescript",
    interrupt_mode: "signal",
  };
  Deno.writeTextFileSync(join(folder, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
  return folder;
}

/** Returns the user's Jupyter data folder: `JUPYTER_DATA_DIR`, or the default of the operating system. */
export function jupyterDataDir(): string {
  const own = Deno.env.get("JUPYTER_DATA_DIR");
  if (own) return own;
  const home = Deno.env.get("HOME") ?? ".";
  if (Deno.build.os === "darwin") return join(home, "Library", "Jupyter");
  return join(Deno.env.get("XDG_DATA_HOME") || join(home, ".local", "share"), "jupyter");
}
