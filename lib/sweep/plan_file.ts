/**
 * Files of plans. `plan.json` fixes every run and its ID before the sweep starts.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { sealJson } from "../file/sealed_json.ts";
import {
  atomicWrite,
  canonicalJson,
  type DataSource,
  dataSourceSchema,
  readSealed,
  removeLeftovers,
  requireInside,
  runIdOf,
  type RunSpec,
  runSpecSchema,
  sourcesHash,
} from "../record/mod.ts";
import { keepDiff } from "../run/code.ts";
import { placeInputs } from "../run/inputs.ts";

/** A planned run. */
export interface PlannedRun {
  /** ID of the run, 12 hexadecimal digits. */
  readonly id: string;
  /** Spec of the run. */
  readonly spec: RunSpec;
}

/** Content of `plan.json`. */
export interface Plan {
  /** File format and version. */
  readonly format: "losskit-plan/1";
  /** Name of the sweep. */
  readonly name: string;
  /** Text on which all runs train. */
  readonly data: DataSource;
  /** SHA-256 of the code in `lib/`. */
  readonly libSha256: string;
  /**
   * {@linkcode specHash} of the sweep's spec. Undefined if the plan contains runs of several specs, or was written by
   * an older version.
   */
  readonly specSha256?: string | undefined;
  /** Threads per run. The plan fixes the number, because results may depend on it. */
  readonly threads: number;
  /** Runs in starting order. */
  readonly runs: readonly PlannedRun[];
}

const schema = v.object({
  format: v.literal("losskit-plan/1"),
  name: v.string(),
  data: dataSourceSchema,
  libSha256: v.string(),
  specSha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"))),
  threads: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
  runs: v.array(v.object({
    // The ID is a folder name. The pattern prevents a foreign plan from leaving the sweep's folder.
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/, "expected 12 hexadecimal digits")),
    spec: runSpecSchema,
  })),
});

/** Returns the recorded runs that are in a plan. */
export function runsOfPlan<R extends { readonly manifest: { readonly runId: string } }>(
  { runs }: Plan,
  recorded: readonly R[],
): R[] {
  const ids = new Set(runs.map(({ id }) => id));
  return recorded.filter(({ manifest }) => ids.has(manifest.runId));
}

/** Returns the path of a sweep's plan. */
export function planPath(dir: string): string {
  return join(dir, "plan.json");
}

/** Remedy for a damaged plan. */
const REMEDY = "Restore the file from a copy, or choose another folder with --out.";

/**
 * Reads the plan of a folder. Returns undefined if there is no plan.
 *
 * @throws {UserError} If the file is invalid or a link that leaves the folder, a run is listed twice, or the numbers of
 * threads differ.
 * @throws {UserError} If a plan of the current code has no checksum, or a run's ID does not match its spec and text.
 */
export function readPlan(dir: string): Plan | undefined {
  const path = planPath(dir);
  requireInside(dir, path);
  try {
    Deno.statSync(path);
  } catch {
    return undefined;
  }
  const { output: plan, isSealed } = readSealed(path, schema, "a sweep's plan", REMEDY);
  const problem = problemOf(plan, isSealed);
  if (problem === undefined) return plan;
  throw new UserError(`Cannot read ${path}: ${problem}. ${REMEDY}`);
}

/** Describes the first contradiction in a plan. Returns undefined if there is none. */
function problemOf(plan: Plan, isSealed: boolean): string | undefined {
  const { data: { sha256: dataSha256 }, libSha256, threads, runs } = plan;
  const seen = new Set<string>();
  for (const { id, spec } of runs) {
    if (seen.has(id)) return `expected each run once, got run ${id} twice`;
    seen.add(id);
    if (spec.threads !== threads) {
      return `expected threads ${threads} in every run, as in the plan, got ${spec.threads} in run ${id}`;
    }
  }
  // Plans of older code lack the checksum, and fields that the schema adds. Their runs cannot be started.
  if (libSha256 !== sourcesHash()) return undefined;
  for (const { id, spec } of runs) {
    const found = runIdOf({ spec, dataSha256, libSha256 });
    if (found !== id) {
      return `expected the spec, text and code of run ${id}, got those of run ${found}`;
    }
  }
  return isSealed ? undefined : "expected a checksum, as this version of losskit writes it, got none";
}

/**
 * Writes a plan into a folder, unless the folder has the same plan. Copies the inputs of the runs (models, tokenizers,
 * modules) that the folder lacks.
 *
 * @throws {UserError} If the folder contains a different plan, or is not writable. The message names the first
 * difference.
 */
export async function placePlan(dir: string, plan: Plan): Promise<void> {
  const specs = plan.runs.map(({ spec }) => spec);
  if (holds(dir, plan)) return await placeInputs(dir, specs); // one may have been deleted
  using _lock = lockFolder(dir); // two sweeps may start at once
  removeLeftovers(dir, planPath(dir));
  if (holds(dir, plan)) return;
  await placeInputs(dir, specs);
  try {
    keepDiff(dir); // before the plan, so that every plan has the code of its runs
  } catch (cause) {
    throw notWritable(dir, cause);
  }
  writePlan(dir, plan);
}

/** Returns true if a folder already holds the plan. Throws for another plan. */
function holds(dir: string, plan: Plan): boolean {
  const found = readPlan(dir);
  if (found === undefined) return false;
  const difference = differenceOf(found, plan);
  if (difference === undefined) return true;
  throw new UserError(
    `Cannot sweep into ${dir}: expected an empty folder or the same plan, got another plan: ${difference}. ` +
      "Choose another folder with --out, or delete the folder.",
  );
}

/** Takes an advisory lock on a folder. Creates the folder if it is missing. */
function lockFolder(dir: string): Disposable {
  try {
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    const folder = Deno.openSync(join(dir, "runs"));
    try {
      folder.lockSync(true);
    } catch {
      // This file system has no locks. Plans are still written atomically.
    }
    return folder;
  } catch (cause) {
    throw notWritable(dir, cause);
  }
}

function notWritable(dir: string, cause: unknown): UserError {
  if (cause instanceof UserError) return cause; // names the file and the remedy
  const reason = cause instanceof Error ? cause.message : cause;
  return new UserError(`Cannot sweep into ${dir}: expected a writable folder, got ${reason}`, {
    cause,
  });
}

/**
 * Writes a folder's plan atomically.
 *
 * @throws {UserError} If the folder is not writable.
 */
export function writePlan(dir: string, plan: Plan): void {
  try {
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    atomicWrite(planPath(dir), sealJson(plan, 1));
  } catch (cause) {
    throw notWritable(dir, cause);
  }
}

/**
 * Adds runs to a folder's plan, or creates the plan. Concurrent calls are serialized by a lock, so that no runs are
 * lost.
 *
 * @param dir The folder.
 * @param plan A plan with the runs to add.
 * @param check Called with the existing plan. Throws if that plan is incompatible.
 * @throws {UserError} If the folder is not writable.
 */
export function addToPlan(dir: string, plan: Plan, check: (found: Plan) => void): void {
  using _lock = lockFolder(dir); // held from read to write; the system releases it with the process
  removeLeftovers(dir, planPath(dir));
  const found = readPlan(dir);
  if (found === undefined) return writePlan(dir, plan);
  check(found);
  const more = plan.runs.filter(({ id }) => !found.runs.some((run) => run.id === id));
  const next = { ...plan, runs: [...found.runs, ...more] };
  if (canonicalJson(next) !== canonicalJson(found)) writePlan(dir, next);
}

/** Describes the first difference between two plans, other than their names and the paths of texts. */
function differenceOf(found: Plan, wanted: Plan): string | undefined {
  if (found.data.sha256 !== wanted.data.sha256) return `its text ${found.data.name} has another SHA-256`;
  if (found.libSha256 !== wanted.libSha256) return "it was made with another version of the code in lib/";
  if (found.runs.length !== wanted.runs.length) {
    return `it has ${found.runs.length} runs, expected ${wanted.runs.length}`;
  }
  for (const [i, run] of found.runs.entries()) {
    const other = wanted.runs[i]!;
    for (const [field, value] of Object.entries(other.spec)) {
      const own = run.spec[field as keyof RunSpec];
      if (canonicalJson(own) !== canonicalJson(value)) {
        return `run ${i + 1} has ${field} ${JSON.stringify(own)}, expected ${JSON.stringify(value)}`;
      }
    }
    // Equal specs have equal IDs unless the file was edited.
    if (run.id !== other.id) return `run ${i + 1} has the ID ${run.id}, expected ${other.id}`;
  }
  return undefined;
}
