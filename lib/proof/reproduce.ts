/**
 * Reruns a recorded run under the conditions of its manifest, and says whether it comes out the same.
 *
 * @module
 */
import { join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import {
  compareJournals,
  type DataSource,
  describeChange,
  type Difference,
  effectiveEvents,
  environmentChanges,
  hashSources,
  type Manifest,
  readRun,
  type RecordedRun,
  runFolder,
  runIdOf,
  runPaths,
} from "../record/mod.ts";
import { isPresentCode, otherCode, recordedCode, ROOT } from "../run/code.ts";
import { denoArguments } from "../run/environment.ts";
import { findText, planFolder, type TextPlaces } from "../run/find_text.ts";
import { type Plan, writePlan } from "../sweep/plan.ts";
import { readWhole } from "../run/read_whole.ts";
import { sameBytes } from "./same_results.ts";

/** The answer. */
export type Reproduction =
  & {
    /** What is not as it was when the run was recorded, in words. */
    readonly changes: readonly string[];
  }
  & (
    /** Journals are equal and checkpoints byte-equal. */
    | { readonly answer: "identical" }
    /** No loss is farther off than the tolerance. */
    | {
      readonly answer: "within tolerance";
      /** The largest difference of a loss, in nats per token. */
      readonly largest: number;
      /** The step that it is at. */
      readonly at: number;
    }
    /** Some loss is farther off, or a step is missing. */
    | { readonly answer: "diverged"; readonly difference: Difference }
    /** It could not be run again. */
    | { readonly answer: "cannot"; readonly reason: string }
  );

/** How a run is reproduced. */
export interface ReproduceOptions {
  /** Asks it to stop. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what is going on, line by line. */
  readonly print: (line: string) => void;
  /** How far a loss may be off, in nats per token. Default: {@linkcode defaultTolerance}. */
  readonly tolerance?: number | undefined;
  /** Where the run's text is now. Default: the recorded path, then beside `plan.json`. */
  readonly data?: string | readonly string[] | undefined;
  /**
   * The code to run. `matching` (default): this checkout's, if it made the run. `present`: this checkout's in any case.
   * `recorded`: the code that made the run, rebuilt from the repository and the sweep's folder. Code from a folder may
   * do whatever its author wants.
   */
  readonly code?: "matching" | "present" | "recorded" | undefined;
}

/**
 * How far losses of one spec may be apart on two machines and still count as the same, in nats per token: a thousandth
 * where numbers have float32's 24 bits; where a policy computes in fewer, 2^-8, half of a bfloat16 number's last place at
 * a loss of 1 to 2. Where training is chaotic it may be more: it is a bound to report by, not a law.
 */
export function defaultTolerance(policy: string): number {
  return policy === "float32" ? 1e-3 : 2 ** -8;
}

/**
 * Runs a finished run again, in a temporary folder: its spec on its text, in processes with its threads and its
 * environment variables. No code of the run's folder runs unless `code` is `recorded`.
 *
 * @param folder The run's folder.
 * @param options Tolerance, and where the text is.
 * @throws {UserError} when the run's own files are missing or damaged, or it was interrupted.
 */
export async function reproduceRun(folder: string, options: ReproduceOptions): Promise<Reproduction> {
  const recorded = readRun(folder);
  const dir = planFolder(folder);
  const cannot = (reason: string): Reproduction => ({ answer: "cannot", reason, changes: [] });
  if (recorded.status !== "finished") return cannot(`the run is not finished: it is ${recorded.status}`);
  const { checkpoint } = runPaths(folder);
  try {
    if (exists(checkpoint)) readWhole(folder); // without one, the journal has its checksum
  } catch (error) {
    if (error instanceof UserError) return cannot(error.message);
    throw error;
  }
  const { manifest } = recorded;
  const changes: string[] = [];
  const present = isPresentCode(manifest);
  if (!present && (options.code ?? "matching") === "matching") return cannot(otherCode(manifest, dir));
  if (!present && options.code === "present") {
    changes.push("code: this checkout's code runs, as --present-code asks");
  }
  const found = present || options.code === "present"
    ? undefined
    : recordedCode(manifest, dir, options.print);
  if (found !== undefined && "missing" in found) return cannot(found.missing);
  using tree = found;
  const data = await findData(manifest.data, { dir, data: options.data });
  if (typeof data === "string") return cannot(data);
  const root = tree?.root ?? ROOT;
  const again = Deno.makeTempDirSync({ prefix: "losskit-" });
  try {
    const ended = await rerun(manifest, { root, data, again, signal: options.signal });
    if ("reason" in ended) return { answer: "cannot", reason: ended.reason, changes };
    const rerunFolder = runFolder(again, ended.id);
    const other = readRun(rerunFolder);
    for (const change of environmentChanges(manifest.environment, other.manifest.environment)) {
      if (change.matters) changes.push(describeChange(change));
    }
    const same = !exists(checkpoint) || sameBytes(checkpoint, runPaths(rerunFolder).checkpoint);
    return { ...compareRuns(recorded, other, { same, tolerance: options.tolerance }), changes };
  } finally {
    Deno.removeSync(again, { recursive: true });
  }
}

type Answer = Exclude<Reproduction, { answer: "cannot" }> extends infer A
  ? A extends { changes: readonly string[] } ? Omit<A, "changes"> : never
  : never;

function compareRuns(
  recorded: RecordedRun,
  other: RecordedRun,
  { same, tolerance = defaultTolerance(recorded.manifest.spec.policy) }: {
    same: boolean;
    tolerance?: number | undefined;
  },
): Answer {
  const first = compareJournals(recorded.events, other.events);
  if (first === undefined && same) return { answer: "identical" };
  const [left, right] = [recorded, other].map(({ events }) => effectiveEvents(events)) as [Losses, Losses];
  let largest = 0, at = 0;
  for (const kind of ["steps", "evals"] as const) {
    const [a, b] = [left[kind], right[kind]];
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const x = a[i], y = b[i], step = (x ?? y)!.step;
      const gap = Object.is(x?.loss, y?.loss) ? 0 : Math.abs((x?.loss ?? NaN) - (y?.loss ?? NaN));
      if (x?.step !== y?.step || !(gap <= tolerance)) {
        const field = kind === "steps" ? "loss" : "validation loss";
        return { answer: "diverged", difference: { step, field, a: x?.loss, b: y?.loss } };
      }
      if (gap > largest) [largest, at] = [gap, step];
    }
  }
  return { answer: "within tolerance", largest, at };
}

type Losses = ReturnType<typeof effectiveEvents>;

/** Finds the text of a run, or says why it cannot be had. */
async function findData(recorded: DataSource, places: TextPlaces): Promise<DataSource | string> {
  try {
    return (await findText(recorded, places)).source;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Runs a spec in another folder, by a worker of the code in `root`. */
async function rerun(
  manifest: Manifest,
  at: { root: string; data: DataSource; again: string; signal: AbortSignal | undefined },
): Promise<{ id: string } | { reason: string }> {
  const { spec, environment } = manifest;
  const libSha256 = hashSources(join(at.root, "lib"));
  const id = runIdOf({ spec, dataSha256: at.data.sha256, libSha256 });
  const plan: Plan = {
    format: "losskit-plan/1",
    ...{ name: "reproduce", data: at.data, libSha256, threads: spec.threads, runs: [{ id, spec }] },
  };
  writePlan(at.again, plan);
  const { TF_ENABLE_ONEDNN_OPTS: _onednn, ...env } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...denoArguments(join(at.root, "lib/sweep/worker.ts"), at.root), at.again, id],
    clearEnv: true,
    env: { ...env, ...(environment.onednn !== undefined && { TF_ENABLE_ONEDNN_OPTS: environment.onednn }) },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stop = () => child.kill("SIGTERM");
  if (at.signal?.aborted) stop(); // it came while the text was read
  at.signal?.addEventListener("abort", stop);
  const { code, stderr } = await child.output();
  at.signal?.removeEventListener("abort", stop);
  if (at.signal?.aborted) {
    throw new UserError("Cannot reproduce: interrupted", { exitCode: EXIT.interrupted });
  }
  if (code === EXIT.ok) return { id };
  const last = new TextDecoder().decode(stderr).trimEnd().split("\n").at(-1);
  return { reason: `running it again failed with status ${code}: ${last || "it left no message"}` };
}
