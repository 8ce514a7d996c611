/**
 * JupyterLab in a Python environment of its own, in the user's cache: nothing else on the machine is touched.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { ensurePython } from "../fetch/python_environment.ts";

/**
 * The locked list of JupyterLab, plotly (which draws figures in JupyterLab) and all that they need. Its first lines
 * name the command that makes it from `jupyterlab.in`.
 */
const LIST = join(import.meta.dirname!, "jupyterlab.txt");

/**
 * Returns the Python of JupyterLab's environment, which is made where it is missing, broken or of another list.
 *
 * @param print Takes lines for the user.
 * @throws {UserError} when it cannot be made.
 */
export async function labPython(print: (line: string) => void): Promise<string> {
  try {
    return await ensurePython({
      name: "jupyterlab",
      list: LIST,
      onMake: (folder) => print(`Fetching JupyterLab into ${folder} (some 300 MB, once)`),
    });
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(
      `${cause.message}\nInstall Python 3 with its venv module (python3-venv on Debian), or uv, and connect to the ` +
        "network; or use a Jupyter of your own: the kernel is installed for it.",
      { cause },
    );
  }
}

/** How JupyterLab is started. */
export interface LabOptions {
  /** The folder whose notebooks it shows. */
  readonly root: string;
  /** The page to begin with, such as `/lab/tree/notebooks`. */
  readonly page: string;
  /** More of its own options. */
  readonly args?: readonly string[];
  /** More environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts JupyterLab, on the loopback address alone, asking nobody for news. The caller waits for it or ends it. */
export function startLab(python: string, options: LabOptions): Deno.ChildProcess {
  return new Deno.Command(python, {
    args: [
      "-I", // no module of the current folder is imported
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
