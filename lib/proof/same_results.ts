/**
 * Whether two folders hold the same results, bit for bit: the contract's equality of runs, and of the tables made of them.
 *
 * @module
 */
import { join } from "node:path";
import {
  type Columns,
  compareJournals,
  evalColumns,
  readRun,
  readRuns,
  runColumns,
  runFolder,
  runPaths,
  stepColumns,
} from "../record/mod.ts";
import type { Plan } from "../sweep/plan.ts";
import { readIfThere } from "../run/resume_point.ts";

/** Columns that measure the machine and the moment, not the run. */
const MEASURED: readonly string[] = ["tokensPerSecond", "seconds"];

/**
 * What is not the same in two folders of one plan, in words; none where all is.
 *
 * @param plan The plan of both, whose runs are finished in `want`.
 * @param folders The folder as it must be, and the other.
 * @throws {UserError} when files are missing or damaged.
 */
export function resultDifferences(plan: Plan, { want, got }: { want: string; got: string }): string[] {
  const problems = plan.runs.flatMap(({ id }) => {
    const [one, other] = [runFolder(want, id), runFolder(got, id)];
    return runDifferences(one, other).map((problem) => `run ${id}: ${problem}`);
  });
  if (resultTables(want) !== resultTables(got)) problems.push("the result columns of the tables differ");
  return problems;
}

/** What is not the same in two folders of one finished run, and what killed processes have left in the other. */
function runDifferences(want: string, got: string): string[] {
  const problems: string[] = [];
  const [one, other] = [readRun(want), readRun(got)];
  if (other.status !== "finished") return [`it is ${other.status}`];
  const finishes = other.events.filter(({ event }) => event === "finish").length;
  if (finishes !== 1) problems.push(`it finished ${finishes} times`);
  const difference = compareJournals(one.events, other.events);
  if (difference !== undefined) {
    const { step, field, a, b } = difference;
    problems.push(`step ${step ?? "none"}: ${field} is ${b}, undisturbed it is ${a}`);
  }
  const [paths, otherPaths] = [runPaths(want), runPaths(got)];
  for (const file of ["checkpoint", "best"] as const) {
    if (!sameBytes(paths[file], otherPaths[file])) problems.push(`${file}.safetensors has other bytes`);
  }
  const known = new Set(Object.values(otherPaths));
  for (const { name } of Deno.readDirSync(got)) {
    const path = join(got, name);
    if (path === otherPaths.claim || !known.has(path)) problems.push(`${name} is left over`);
  }
  return problems;
}

/** Whether two files have the same bytes, or neither is there. */
export function sameBytes(a: string, b: string): boolean {
  const [left, right] = [a, b].map(readIfThere);
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/** The result columns of a folder's tables of runs, steps and evaluations, as text. */
export function resultTables(dir: string): string {
  const runs = readRuns(dir);
  return [runColumns(runs), { ...stepColumns(runs) } as Columns, evalColumns(runs)].map(columnText).join(
    "\n",
  );
}

function columnText(columns: Columns): string {
  const results = Object.entries(columns).filter(([name]) => !MEASURED.includes(name));
  const cell = (value: unknown) => typeof value === "string" ? JSON.stringify(value) : String(value);
  return results.map(([name, column]) =>
    `${name}: ${Array.from(column as ArrayLike<unknown>, cell).join(" ")}`
  ).join("\n");
}
