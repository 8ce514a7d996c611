/** `deno task jupyter`: installs losskit's kernel for this user's Jupyter, and starts JupyterLab. */
import { printable } from "../error/printable.ts";
import { labPython, startLab } from "../notebook/lab.ts";
import { jupyterDataDir, KERNEL_NAME, writeKernelspec } from "../notebook/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command("jupyter", "Installs the kernel that the notebooks ask for, and starts JupyterLab.")
  .usage("[options] [-- OPTIONS OF JUPYTERLAB]")
  .argument("[options...]", "options of JupyterLab's own, after --, such as -- --no-browser")
  .option("--install-only", "install the kernel and start nothing: for a Jupyter of your own")
  .action(async (args: string[], { installOnly = false }: { installOnly?: boolean }) => {
    const folder = writeKernelspec(jupyterDataDir());
    console.log(`The kernel "${KERNEL_NAME}" is installed in ${printable(folder)}.`);
    console.log(
      "Stop ends training that has `signal: stopSignal()`, and keeps what a notebook has in memory.",
    );
    console.log(
      "Deno gives a kernel every permission (read, write, net, env, run, ffi, sys): run notebooks that you trust.",
    );
    if (installOnly) {
      return console.log(
        "Open notebooks/01_the_loss.ipynb in your Jupyter, or run this without --install-only.",
      );
    }
    const python = await labPython((line) => console.log(line));
    Deno.addSignalListener("SIGINT", () => {}); // Ctrl-C is for JupyterLab, which asks and saves
    const lab = startLab(python, { root: Deno.cwd(), page: "/lab/tree/notebooks/01_the_loss.ipynb", args });
    Deno.exitCode = (await lab.status).code;
  });

if (import.meta.main) await runCommand(program, Deno.args);
