/**
 * JupyterLab in a Python environment of its own, in the user's cache: nothing else on the machine is touched.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { cacheDir } from "../fetch/cache.ts";

/** Exact versions. The package plotly brings what draws figures in JupyterLab. */
const PACKAGES = ["jupyterlab==4.6.6", "plotly==7.1.0"];

/**
 * The Python of the environment, which is made where it is missing; a broken one is made again.
 *
 * @param print Takes lines for the user.
 * @throws {UserError} saying what is missing, when it cannot be made.
 */
export async function labPython(print: (line: string) => void): Promise<string> {
  const folder = join(cacheDir(), PACKAGES[0]!.replace("==", "-"));
  const python = join(folder, "bin", "python");
  await Deno.mkdir(cacheDir(), { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (await run(python, ["-c", "import jupyterlab, plotly"]) === undefined) return python;
  print(`Fetching ${PACKAGES.join(" and ")} into ${folder} (some 300 MB, once)`);
  const failures: string[] = [];
  for (
    const [name, make, install] of [
      ["python3 -m venv", ["python3", "-m", "venv", "--clear", folder], [
        ...[python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
        ...PACKAGES,
      ]],
      ["uv", ["uv", "venv", "--quiet", "--clear", folder], [
        ...["uv", "pip", "install", "--quiet", "--python", python],
        ...PACKAGES,
      ]],
    ] as [string, string[], string[]][]
  ) {
    const failure = await run(make[0]!, make.slice(1)) ?? await run(install[0]!, install.slice(1));
    if (failure === undefined) return python;
    failures.push(`  ${name}: ${failure}`);
  }
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  throw new UserError(
    `Cannot make an environment for JupyterLab. Tried:\n${failures.join("\n")}\n` +
      "Install Python 3 with its venv module (python3-venv on Debian), or uv, and connect to the network; or use a " +
      "Jupyter of your own: the kernel is installed for it.",
  );
}

/** Runs a command; what went wrong in a line, or undefined. */
async function run(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
    if (success) return undefined;
    const said = new TextDecoder().decode(stderr).trim() || new TextDecoder().decode(stdout).trim();
    return said.split("\n").findLast((line) => /error|not/i.test(line))?.trim().slice(0, 300) ?? "it failed";
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "not on this machine" : String(error);
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
