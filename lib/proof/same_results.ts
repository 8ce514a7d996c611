/**
 * Compares the results in two folders, bit for bit: runs, and tables derived from them.
 *
 * @module
 */
import { join } from "node:path";
import {
  type Columns,
  compareJournals,
  evalColumns,
  isClaimed,
  MEASUREMENTS,
  readRun,
  readRuns,
  runColumns,
  runFolder,
  runPaths,
  stepColumns,
} from "../record/mod.ts";
import type { Plan } from "../sweep/plan_file.ts";
import { readIfThere } from "../run/resume_point.ts";

/** Columns without results: measurements of the machine, and commits, which can change while a sweep runs. */
const NO_RESULTS: readonly string[] = [...MEASUREMENTS, "gitCommit", "gitDiffSha256"];

/**
 * Describes the differences between the results in two folders with the same plan. Returns an empty list if the results
 * are identical.
 *
 * @param plan The plan of both folders. Its runs are finished in `want`.
 * @param folders `want`: the reference folder. `got`: the folder that is compared with the reference.
 * @throws {UserError} If files are missing or damaged.
 */
export function resultDifferences(plan: Plan, { want, got }: { want: string; got: string }): string[] {
  const problems = plan.runs.flatMap(({ id }) => {
    const [one, other] = [runFolder(want, id), runFolder(got, id)];
    return runDifferences(one, other).map((problem) => `run ${id}: ${problem}`);
  });
  if (resultTables(want) !== resultTables(got)) problems.push("the result columns of the tables differ");
  return problems;
}

/** Describes the differences between two folders of a finished run, and leftover files of killed processes. */
function runDifferences(want: string, got: string): string[] {
  const problems: string[] = [];
  const [one, other] = [readRun(want), readRun(got)];
  if (other.status !== "finished") return [`the run is ${other.status}`];
  const finishes = other.events.filter(({ event }) => event === "finish").length;
  if (finishes !== 1) problems.push(`the run finished ${finishes} times`);
  const difference = compareJournals(one.events, other.events);
  if (difference !== undefined) {
    const { step, field, a, b } = difference;
    problems.push(`step ${step ?? "none"}: expected ${field} ${a} as in the uninterrupted run, got ${b}`);
  }
  const [paths, otherPaths] = [runPaths(want), runPaths(got)];
  for (const file of ["checkpoint", "best"] as const) {
    if (!sameBytes(paths[file], otherPaths[file])) problems.push(`${file}.safetensors has different bytes`);
  }
  const known = new Set(Object.values(otherPaths));
  for (const { name } of Deno.readDirSync(got)) {
    const path = join(got, name);
    // An orphaned worker may still hold the claim of a run that it has just finished.
    const isHeld = path === otherPaths.claim && isClaimed(path);
    if (!isHeld && (path === otherPaths.claim || !known.has(path))) {
      problems.push(`${name} is a leftover file`);
    }
  }
  return problems;
}

/** Returns true if two files have the same content, or both are missing. */
export function sameBytes(a: string, b: string): boolean {
  const [left, right] = [a, b].map(readIfThere);
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/**
 * Returns a folder's tables of runs, steps and evaluations as text. Omits columns that are not results, such as
 * measured times.
 */
export function resultTables(dir: string): string {
  const runs = readRuns(dir);
  return [runColumns(runs), { ...stepColumns(runs) } as Columns, evalColumns(runs)].map(columnText).join(
    "\n",
  );
}

function columnText(columns: Columns): string {
  const results = Object.entries(columns).filter(([name]) => !NO_RESULTS.includes(name));
  const cell = (value: unknown) => typeof value === "string" ? JSON.stringify(value) : String(value);
  return results.map(([name, column]) =>
    `${name}: ${Array.from(column as ArrayLike<unknown>, cell).join(" ")}`
  ).join("\n");
}
