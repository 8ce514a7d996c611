/**
 * What `deno task notebooks` does: checks, runs, writes.
 *
 * @module
 */
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

/** What is done with notebooks. */
export interface RunNotebooksOptions {
  /** Values of parameters, as typed, by name: each is for the notebooks that declare it. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The folder for the executed notebooks. Default: each is written where it was. */
  readonly out?: string | undefined;
  /** The folder for pages, one a notebook. Default: none are made. */
  readonly html?: string | undefined;
  /** Whether outputs are only checked, and nothing is run. Default: no. */
  readonly check?: boolean | undefined;
  /** Seconds for each notebook. Default: 600. */
  readonly timeout?: number | undefined;
  /** Takes lines for the user. */
  readonly print: (line: string) => void;
}

/** A notebook to run. */
interface Target {
  readonly path: string;
  readonly notebook: Notebook;
}

/**
 * Checks the types of all notebooks' cells, then runs them one after the other.
 *
 * @returns The status to end with: 0; 2 where cells do not pass the type check, nothing being run then; 3 where a notebook
 * failed or, checking, is stale.
 * @throws {UserError} where a file is no notebook, a parameter does not fit or a folder cannot be made.
 */
export async function runNotebooks(paths: readonly string[], options: RunNotebooksOptions): Promise<number> {
  const { parameters = {}, print } = options;
  for (const folder of options.check ? [] : [options.out, options.html]) {
    if (folder !== undefined) requireFolder(folder);
  }
  const read = paths.map((path) => ({ path, notebook: readNotebook(path) }));
  const targets = read.map((target) => given(target, parameters));
  const unknown = Object.keys(parameters).filter((name) =>
    !read.some(({ notebook, path }) => declaredNames(notebook, path).includes(name))
  );
  if (unknown.length > 0) {
    throw new UserError(`Cannot set ${unknown.join(", ")}: none of the notebooks declares it as a parameter`);
  }
  const problems = await typeProblems(
    targets.map(({ path, notebook }) => ({ path, cells: codeCells(notebook, path) })),
  );
  if (problems.length > 0) {
    print(problems.join("\n\n"));
    return EXIT.badInput;
  }
  const failures = options.check ? checkAll(targets, print) : await runAll(targets, options);
  return failures === 0 ? EXIT.ok : EXIT.someFailed;
}

function requireFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new UserError(
      `Cannot write into ${path}: wanted a folder, or a place where one can be made: ${
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
  if (stale > 0) print("Run `deno task notebooks` to make their outputs again.");
  return stale;
}

async function runAll(targets: readonly Target[], options: RunNotebooksOptions): Promise<number> {
  const { out, html, timeout, print } = options;
  let failed = 0;
  for (const { path, notebook } of targets) {
    const begin = performance.now();
    // Before it runs: what changes meanwhile makes its outputs stale.
    const { notebook: done, failure } = await executeNotebook(stamped(notebook, path), {
      path,
      ...(timeout === undefined ? {} : { timeout }),
    });
    const took = formatDuration((performance.now() - begin) / 1000);
    if (done === undefined) {
      failed++;
      print(`${printableError(failure)}\n${printable(path)}: failed after ${took}; nothing was written`);
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
