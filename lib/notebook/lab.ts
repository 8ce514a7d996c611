/**
 * JupyterLab in a separate Python environment in the user's cache. Other Python installations are not changed.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { packageFolder } from "../file/package.ts";
import { ensurePython } from "../fetch/python_environment.ts";

/**
 * Lock file of JupyterLab, plotly (for figures in JupyterLab) and their dependencies. Its first lines contain the command
 * that generates it from `jupyterlab.in`.
 */
const LIST = ["lib", "notebook", "jupyterlab.txt"];

/**
 * Returns the path of Python in JupyterLab's environment. Creates the environment if it is missing, broken or outdated.
 *
 * @param print Receives messages for the user.
 * @throws {UserError} If the environment cannot be created.
 */
export async function labPython(print: (line: string) => void): Promise<string> {
  try {
    return await ensurePython({
      name: "jupyterlab",
      list: join(packageFolder("install JupyterLab"), ...LIST),
      onMake: (folder) => print(`Downloading JupyterLab to ${folder} (about 300 MB, once)`),
    });
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(
      `${cause.message}\nInstall Python 3 with its venv module (python3-venv on Debian), or uv, and connect to the ` +
        "network. Alternatively, use an installed Jupyter: the kernel is installed for it.",
      { cause },
    );
  }
}

/** Options of {@linkcode startLab}. */
export interface LabOptions {
  /** Root folder of the notebooks. */
  readonly root: string;
  /** Initial page, such as `/lab/tree/notebooks`. */
  readonly page: string;
  /** Further arguments of JupyterLab. */
  readonly args?: readonly string[];
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts JupyterLab on the loopback address, without news and extension checks. The caller must wait for the process or kill it. */
export function startLab(python: string, options: LabOptions): Deno.ChildProcess {
  return new Deno.Command(python, {
    args: [
      "-I", // Prevents imports from the current folder.
      "-m",
      "jupyterlab",
      "--ip=127.0.0.1",
      `--ServerApp.root_dir=${options.root}`,
      `--LabApp.default_url=${options.page}`,
      "--LabApp.news_url=None",
      "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
      ...Deno.build.os !== "windows" && Deno.uid() === 0 ? ["--allow-root"] : [],
      ...options.args ?? [],
    ],
    env: { ...options.env },
    stdin: "inherit",
  }).spawn();
}
