/**
 * Headless execution: runs a notebook's cells in a separate process, and adds their outputs to the notebook.
 *
 * @module
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { spawnAttached } from "../file/attached.ts";
import { denoArguments, packageFolder } from "../file/package.ts";
import { type Cell, joined, type Notebook } from "./ipynb.ts";
import type { Job, JobResult } from "./job.ts";
import type { CodeCell } from "./_cell.ts";
import { scriptOf } from "./source.ts";

/** Options of {@linkcode executeNotebook}. */
export interface ExecuteOptions {
  /** Path of the notebook, used in errors and as the base of relative imports. */
  readonly path: string;
  /** Time limit in seconds. Default: 600. */
  readonly timeout?: number;
}

/** Result of {@linkcode executeNotebook}: the notebook with outputs, or a message about the failure. */
export type Execution =
  | { readonly notebook: Notebook; readonly failure?: undefined }
  | { readonly notebook?: undefined; readonly failure: string };

/** Returns the code cells of a notebook. Omits empty cells. */
export function codeCells(notebook: Notebook, path: string): CodeCell[] {
  return notebook.cells.filter(isCode).map((cell, i) => ({
    name: `${path}, cell ${i + 1} (${cell.id})`,
    text: joined(cell.source),
  }));
}

/**
 * Runs all cells of a notebook in order, in a separate process.
 *
 * @returns The notebook with outputs and execution counts, or a message that names the notebook, cell and line of the
 * failure.
 * @throws {UserError} If a cell contains an export or is nested too deeply.
 */
export async function executeNotebook(notebook: Notebook, options: ExecuteOptions): Promise<Execution> {
  const { path, timeout = 600 } = options;
  const cells = codeCells(notebook, path);
  const url = pathToFileURL(resolve(path));
  const scripts = cells.map((cell) => scriptOf(cell, url));
  let line = 2; // The runner inserts a line before each cell's code.
  const placed = scripts.map(({ code }) => {
    const firstLine = line;
    line += code.split("\n").length + 1;
    return { code, firstLine };
  });
  const outcome = await runJob({ notebook: url.href, cells: placed }, { url, timeout });
  if (outcome.result === undefined) return { failure: `${path}: ${outcome.failure}` };
  const { outputs, executed, failure } = outcome.result;
  if (failure !== undefined) {
    const places = placesOf(failure.stack, scripts.map(({ map }, i) => ({ ...placed[i]!, map })));
    // The end of an uncaught error's stack is the cell that started the work.
    const cell = failure.isUncaught ? places.at(-1)?.cell ?? failure.cell : failure.cell;
    const stack = places.map((at) => `\n    at ${cells[at.cell]!.name}, line ${at.line}:${at.column}`);
    return { failure: `${cells[cell]!.name}: ${failure.message}${stack.join("")}` };
  }
  if (executed < cells.length) return { failure: `${cells[executed]!.name}: the cell ended the process` };
  let next = 0;
  const done = notebook.cells.map((cell) => {
    if (!isCode(cell)) return cell;
    return { ...cell, outputs: outputs[next]!, execution_count: ++next };
  });
  return { notebook: { ...notebook, cells: done } };
}

function isCode(cell: Cell): boolean {
  return cell.cell_type === "code";
}

/** Runs a job in a separate process. The standard error of the process is inherited. */
async function runJob(
  job: Job,
  { url, timeout }: { url: URL; timeout: number },
): Promise<{ result?: JobResult; failure?: string }> {
  const folder = await Deno.makeTempDir({ prefix: "losskit-notebook-" });
  try {
    const [jobPath, resultPath] = [join(folder, "job.json"), join(folder, "result.json")];
    await Deno.writeTextFile(jobPath, JSON.stringify(job));
    const program = new URL("./_child.ts", import.meta.url).href;
    const child = spawnAttached([
      Deno.execPath(),
      ...denoArguments(program, packageFolder("run notebooks")),
      ...[jobPath, resultPath],
    ], {
      cwd: dirname(fileURLToPath(url)),
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdout: "null",
      stderr: "inherit",
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeout * 1000);
    const { code, signal } = await child.status;
    clearTimeout(timer);
    if (late) return { failure: `did not finish within ${timeout} s` };
    const result: JobResult | undefined = await Deno.readTextFile(resultPath).then(
      JSON.parse,
      () => undefined,
    );
    if (result?.failure !== undefined) return { result };
    if (signal !== null) return { failure: `the process was ended by ${signal}` };
    if (result === undefined || code !== 0) return { failure: `the process ended with status ${code}` };
    return { result };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns the positions of a stack that are in cells. Each cell has its own range of lines. */
function placesOf(
  stack: string,
  scripts: readonly { firstLine: number; map: string }[],
): { cell: number; line: number; column: number }[] {
  return [...stack.matchAll(/<anonymous>:(\d+):(\d+)/g)].flatMap(([, line, column]) => {
    const cell = scripts.findLastIndex(({ firstLine }) => firstLine <= Number(line));
    if (cell < 0) return [];
    const { firstLine, map } = scripts[cell]!;
    const place = originalPositionFor(new TraceMap(map), {
      line: Number(line) - firstLine + 1,
      column: Number(column) - 1,
    });
    return place.line === null ? [] : [{ cell, line: place.line, column: place.column + 1 }];
  });
}
