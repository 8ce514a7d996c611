/**
 * Runs test files in child processes and counts what they report.
 *
 * @module
 */
import { join } from "node:path";

/** Counts of tests. */
export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

/** The longest that one file may take, in milliseconds. */
const FILE_LIMIT = 20 * 60_000;

/**
 * Finds, runs and counts.
 *
 * @param options Folders to look in, parts of paths to run only (none: all), where to write, and `jobs` at once
 * (default 2).
 * @returns The counts, which the last line written tells too.
 */
export async function runTestFiles(options: {
  roots: string[];
  filters?: string[];
  write: (line: string) => void;
  jobs?: number;
}): Promise<Outcome> {
  const { write, filters = [] } = options;
  const files = findTestFiles(options.roots).filter((file) =>
    filters.length === 0 || filters.some((filter) => file.includes(filter))
  );
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  const times: [number, string][] = [];
  const runOne = async (file: string): Promise<void> => {
    const begin = performance.now();
    const { outcome, output } = await runFile(file);
    const seconds = (performance.now() - begin) / 1000;
    times.push([seconds, file]);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    const skipped = outcome.skipped > 0 ? `, ${outcome.skipped} skipped` : "";
    write(
      `${
        outcome.failed > 0 ? "FAILED" : "ok"
      } ${file}: ${outcome.passed} passed, ${outcome.failed} failed${skipped} ` +
        `(${seconds.toFixed(1)} s)`,
    );
    if (outcome.failed > 0) write(output);
  };
  const checked = await typeCheck(files, write);
  if (!checked) total.failed++;
  const heavy = files.filter((file) => Deno.readTextFileSync(file).startsWith("// @heavy"));
  const light = files.filter((file) => !heavy.includes(file));
  await Promise.all(Array.from({ length: options.jobs ?? 2 }, async () => {
    for (let file = light.shift(); file !== undefined; file = light.shift()) await runOne(file);
  }));
  for (const file of heavy) await runOne(file);
  times.sort(([a], [b]) => b - a);
  write(
    `slowest: ${times.slice(0, 5).map(([seconds, file]) => `${file} ${seconds.toFixed(1)} s`).join(", ")}`,
  );
  write(closingLine(total));
  return total;
}

/** `N passed, N failed`, and `, N skipped` where some were. */
export function closingLine({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Test files under folders, sorted; folders that do not exist hold none. */
export function findTestFiles(roots: string[]): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of Deno.readDirSync(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory && entry.name !== "out" && entry.name !== "node_modules") visit(path);
      else if (entry.isFile && entry.name.endsWith("_test.ts")) found.push(path);
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

async function typeCheck(files: string[], write: (line: string) => void): Promise<boolean> {
  if (files.length === 0) return true;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) write(`FAILED type check\n${new TextDecoder().decode(stderr)}`);
  return success;
}

async function runFile(file: string): Promise<{ outcome: Outcome; output: string }> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--quiet", `--junit-path=${report}`, file],
      env: { NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(FILE_LIMIT),
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const outcome = readJunit(await Deno.readTextFile(report));
    // A file that could not load, or was killed, reports nothing or less than it should.
    if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
    return { outcome, output: `${output}\n(exit status ${code})` };
  } finally {
    await Deno.remove(report);
  }
}

/** Counts of a JUnit report; of an empty one: none. */
export function readJunit(xml: string): Outcome {
  const outcome = { passed: 0, failed: 0, skipped: 0 };
  for (const [, body] of xml.matchAll(/<testcase\b[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    if (body !== undefined && /<(failure|error)\b/.test(body)) outcome.failed++;
    else if (body !== undefined && /<skipped\b/.test(body)) outcome.skipped++;
    else outcome.passed++;
  }
  return outcome;
}
