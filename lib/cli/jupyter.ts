/** `deno task jupyter`: installs losskit's kernel for the current user's Jupyter, and starts JupyterLab. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { labPython, startLab } from "../notebook/lab.ts";
import { jupyterDataDir, KERNEL_NAME, writeKernelspec } from "../notebook/mod.ts";
import { command, runCommand, STATUS } from "./command.ts";

export const program: Command = command(
  "jupyter",
  "Install losskit's notebook kernel for the current user, and start JupyterLab.",
  {
    0: "done",
    ...STATUS.badInput,
    1: "JupyterLab failed. Other statuses of JupyterLab are passed on unchanged",
  },
)
  .usage("[options] [-- OPTIONS OF JUPYTERLAB]")
  .argument(
    "[options...]",
    "options after -- are passed to JupyterLab, for example: deno task jupyter -- --no-browser",
  )
  .option("--install-only", "install the kernel for your own Jupyter; do not start JupyterLab")
  .action(async (args: string[], { installOnly = false }: { installOnly?: boolean }) => {
    const folder = writeKernelspec(jupyterDataDir());
    console.log(`The kernel "${KERNEL_NAME}" is installed in ${printable(folder)}.`);
    console.log(
      "Jupyter's stop button ends training with `signal: stopSignal()`. The notebook's variables are kept.",
    );
    console.log(
      "Deno grants a kernel all permissions (read, write, net, env, run, ffi, sys). Only run notebooks that you trust.",
    );
    if (installOnly) {
      return console.log(
        "Open notebooks/01_the_loss.ipynb in your Jupyter, or repeat the command without --install-only.",
      );
    }
    const python = await labPython((line) => console.log(line));
    Deno.addSignalListener("SIGINT", () => {}); // JupyterLab handles Ctrl-C
    const lab = startLab(python, { root: Deno.cwd(), page: "/lab/tree/notebooks/01_the_loss.ipynb", args });
    Deno.exitCode = (await lab.status).code;
  });

if (import.meta.main) await runCommand(program, Deno.args);
