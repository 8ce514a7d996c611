/**
 * `deno task notebooks`: checks, executes and writes notebooks.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { printable, printableError } from "../error/printable.ts";
import { basename, join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { formatDuration } from "../progress/progress.ts";
import { atomicWrite } from "../record/mod.ts";
import { codeCells, executeNotebook } from "./execute.ts";
import { staleness, stamped } from "./freshness.ts";
import { notebookHtml } from "./html.ts";
import { formatNotebook, type Notebook, readNotebook } from "./ipynb.ts";
import { declaredNames, parseParameters, withParameters } from "./parameters.ts";
import { typeProblems } from "./type_check.ts";

/** Options of {@linkcode runNotebooks}. */
export interface RunNotebooksOptions {
  /** Values of parameters as text, by name. A parameter is set in each notebook that declares it. Default: none. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Output folder for the executed notebooks. Default: the notebooks are overwritten. */
  readonly out?: string | undefined;
  /** Output folder for HTML pages, one per notebook. Default: no pages are written. */
  readonly html?: string | undefined;
  /** True to only check whether outputs are stale, without execution. Default: false. */
  readonly check?: boolean | undefined;
  /** Time limit per notebook in seconds. Default: 600. */
  readonly timeout?: number | undefined;
  /** Receives messages for the user. */
  readonly print: (line: string) => void;
}

/** Notebook to run. */
interface Target {
  readonly path: string;
  readonly notebook: Notebook;
}

/**
 * Checks the types in the cells of all notebooks, then runs the notebooks in order.
 *
 * @returns Exit status. 0: success. 2: a type check failed, and nothing was run. 3: a notebook failed, or is stale with
 * `check`.
 * @throws {UserError} If a file is not a notebook, a parameter is invalid, or a folder cannot be created.
 */
export async function runNotebooks(paths: readonly string[], options: RunNotebooksOptions): Promise<number> {
  const { parameters = {}, print } = options;
  const read = paths.map((path) => ({ path, notebook: readNotebook(path) }));
  const targets = read.map((target) => given(target, parameters));
  const unknown = Object.keys(parameters).filter((name) =>
    !read.some(({ notebook, path }) => declaredNames(notebook, path).includes(name))
  );
  if (unknown.length > 0) {
    throw new UserError(
      `Cannot set ${
        unknown.join(", ")
      }: expected a parameter of one of the notebooks, got an undeclared name.`,
    );
  }
  const problems = await typeProblems(
    targets.map(({ path, notebook }) => ({ path, cells: codeCells(notebook, path) })),
  );
  if (problems.length > 0) {
    print(problems.join("\n\n"));
    return EXIT.badInput;
  }
  for (const folder of options.check ? [] : [options.out, options.html]) {
    if (folder !== undefined) requireFolder(folder);
  }
  const failures = options.check ? checkAll(targets, print) : await runAll(targets, options);
  return failures === 0 ? EXIT.ok : EXIT.someFailed;
}

function requireFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new UserError(
      `Cannot write to ${path}: expected a folder that exists or can be created: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

function given({ path, notebook }: Target, parameters: Readonly<Record<string, string>>): Target {
  const names = declaredNames(notebook, path);
  const own = Object.fromEntries(Object.entries(parameters).filter(([name]) => names.includes(name)));
  return { path, notebook: withParameters(notebook, parseParameters(own, { notebook, path })) };
}

function checkAll(targets: readonly Target[], print: (line: string) => void): number {
  let stale = 0;
  for (const { path, notebook } of targets) {
    const reasons = staleness(notebook, path);
    if (reasons.length > 0) stale++;
    print(`${printable(path)}: ${reasons.length === 0 ? "fresh" : `stale: ${reasons.join(", ")}`}`);
  }
  if (stale > 0) print(`Run \`${typedCommand("notebooks")}\` to refresh their outputs.`);
  return stale;
}

async function runAll(targets: readonly Target[], options: RunNotebooksOptions): Promise<number> {
  const { out, html, timeout, print } = options;
  let failed = 0;
  for (const { path, notebook } of targets) {
    const begin = performance.now();
    // The checksums are computed before execution: a change during execution makes the outputs stale.
    const { notebook: done, failure } = await executeNotebook(stamped(notebook, path), {
      path,
      ...(timeout === undefined ? {} : { timeout }),
    });
    const took = formatDuration((performance.now() - begin) / 1000);
    if (done === undefined) {
      failed++;
      print(`${printableError(failure)}\n${printable(path)}: failed after ${took}; no file was written`);
      continue;
    }
    const name = basename(path, ".ipynb");
    const file = out === undefined ? path : join(out, `${name}.ipynb`);
    atomicWrite(file, formatNotebook(done));
    if (html !== undefined) atomicWrite(join(html, `${name}.html`), notebookHtml(done, name));
    print(`${printable(path)}: ran in ${took}${out === undefined ? "" : `, written to ${printable(file)}`}`);
  }
  return failed;
}
