/**
 * Finds test files, runs each in a separate process, and sums the counts.
 *
 * @module
 */
import { join } from "node:path";
import { type Outcome, runTestFile } from "./test_process.ts";

/** Default time limit of one file in milliseconds. */
const FILE_LIMIT = 20 * 60_000;

/** Options of {@linkcode runTestFiles}. */
export interface TestRunOptions {
  /** Folders to search. */
  roots: string[];
  /** Parts of paths. A file runs if its path contains any of them. Default: all files. */
  filters?: string[];
  /** Receives each line of the report. */
  write: (line: string) => void;
  /** Number of concurrent files. Default: 2. */
  jobs?: number;
  /** Time limit of one file in milliseconds. Default: 20 minutes. */
  limit?: number;
  /** Pattern of output lines of passed files to report. Default: none. */
  shown?: RegExp;
}

/**
 * Type-checks all test files once and runs them. Writes one line per file, the output of failed files, the five slowest files,
 * and last the counts: `N passed, N failed`, and `, N skipped` if tests were skipped.
 *
 * @returns Counts. A failed type check counts as 1 failed, and so does a file that crashes, does not load or has no test.
 */
export async function runTestFiles(options: TestRunOptions): Promise<Outcome> {
  const { roots, filters = [], write, jobs = 2, limit = FILE_LIMIT, shown } = options;
  const files = findTestFiles(roots).filter((file) =>
    filters.length === 0 || filters.some((filter) => file.includes(filter))
  );
  if (files.length === 0) write(`no test file: looked in ${[...roots, ...filters].join(", ")}`);
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  const times: [seconds: number, file: string][] = [];
  const runOne = async (file: string): Promise<void> => {
    const begin = performance.now();
    const { outcome, output } = await runTestFile(file, limit);
    const seconds = (performance.now() - begin) / 1000;
    times.push([seconds, file]);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    const verdict = outcome.failed > 0 ? "FAILED" : "ok";
    write(`${verdict} ${file}: ${closingLine(outcome)} (${seconds.toFixed(1)} s)`);
    if (outcome.failed > 0) write(output);
    else if (shown) { for (const line of output.split("\n")) if (shown.test(line)) write(line); }
  };

  if (!await typeCheck(files, write)) total.failed++;
  const heavy = files.filter(isHeavy);
  const light = files.filter((file) => !heavy.includes(file));
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let file = light.shift(); file !== undefined; file = light.shift()) await runOne(file);
  }));
  for (const file of heavy) await runOne(file);

  const slowest = times.sort(([a], [b]) => b - a).slice(0, 5);
  if (slowest.length > 0) {
    write(`slowest: ${slowest.map(([seconds, file]) => `${file} ${seconds.toFixed(1)} s`).join(", ")}`);
  }
  write(closingLine(total));
  return total;
}

/** Formats counts as `N passed, N failed`, and `, N skipped` if tests were skipped. */
export function closingLine({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Returns the test files below folders, sorted. Missing folders contain none. */
export function findTestFiles(roots: string[]): string[] {
  return findFiles(roots).filter((file) => file.endsWith("_test.ts"));
}

/** Returns all files below folders, sorted, except for files in folders named `out`. */
export function findFiles(roots: string[]): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of Deno.readDirSync(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory && entry.name !== "out") visit(path);
      else if (entry.isFile) found.push(path);
    }
  };
  for (const root of roots) {
    try {
      visit(root);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.sort();
}

/** Returns true if the first comments of a file contain the line `// @heavy`. */
function isHeavy(file: string): boolean {
  for (const line of Deno.readTextFileSync(file).split("\n")) {
    if (line.trim() === "// @heavy") return true;
    if (!/^\s*(\/\/|\/\*|\*|$)/.test(line)) return false;
  }
  return false;
}

async function typeCheck(files: string[], write: (line: string) => void): Promise<boolean> {
  if (files.length === 0) return true;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--lock=deno.lock", ...files],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  if (!success) write(`FAILED type check\n${new TextDecoder().decode(stderr)}`);
  return success;
}
