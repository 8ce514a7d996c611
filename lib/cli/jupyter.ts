/** `deno task jupyter`: installs losskit's kernel for this user's Jupyter. */
import { jupyterDataDir, KERNEL_NAME, writeKernelspec } from "../notebook/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command("jupyter", "Installs the kernel that the notebooks ask for.").action(() => {
  const folder = writeKernelspec(jupyterDataDir());
  console.log(`The kernel "${KERNEL_NAME}" is installed in ${folder}.`);
  console.log(
    "Open notebooks/01_the_loss.ipynb in Jupyter (such as `uvx --from jupyterlab jupyter-lab notebooks`).",
  );
});

if (import.meta.main) await runCommand(program, Deno.args);
