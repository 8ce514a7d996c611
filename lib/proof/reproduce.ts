/**
 * Reruns a recorded run with the text, threads and environment variables of its manifest, and compares the results.
 *
 * @module
 */
import { join } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
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
  sourcesHash,
} from "../record/mod.ts";
import { isPresentCode, otherCode, recordedCode } from "../run/code.ts";
import { denoArguments } from "../file/package.ts";
import { findText, planFolder, type TextPlaces } from "../run/find_text.ts";
import { loadCode } from "../run/own_code.ts";
import { placeInputs } from "../run/inputs.ts";
import { type Plan, writePlan } from "../sweep/plan_file.ts";
import { readWhole } from "../run/read_whole.ts";
import { sameBytes } from "./same_results.ts";

/** Result of a reproduction. */
export type Reproduction =
  & {
    /** Descriptions of changes of code and environment since the run was recorded. */
    readonly changes: readonly string[];
  }
  & (
    /** `identical`: the journals are equal, and the checkpoints are bit-identical. */
    | { readonly answer: "identical" }
    /** All losses differ by at most the tolerance. */
    | {
      readonly answer: "within tolerance";
      /** Largest absolute difference between two losses of the same step, in nats per token. */
      readonly largest: number;
      /** Step with the largest difference. */
      readonly at: number;
    }
    /**
     * `diverged`: a loss differs by more than the tolerance, or a step is missing. `difference` is the first such
     * difference.
     */
    | { readonly answer: "diverged"; readonly difference: Difference }
    /** `cannot`: the run could not be repeated. */
    | { readonly answer: "cannot"; readonly reason: string }
  );

/** Options of {@linkcode reproduceRun}. */
export interface ReproduceOptions {
  /** Signal that stops the reproduction. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Receives progress messages, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
  /** Largest accepted difference of a loss, in nats per token. Default: 1e-3 for `float32`, 2^-8 for other policies. */
  readonly tolerance?: number | undefined;
  /** Current location of the run's text. Default: the recorded path, then the folder of `plan.json`. */
  readonly data?: string | readonly string[] | undefined;
  /**
   * Code to run. `matching`: the code of this checkout; refused if it differs from the recorded code. `present`: the
   * code of this checkout in any case. `recorded`: the recorded code, rebuilt from the repository and the sweep's
   * folder. Only use `recorded` for folders that you trust, because recorded code runs with full permissions. Default:
   * `matching`.
   */
  readonly code?: "matching" | "present" | "recorded" | undefined;
}

/** Names of the options. */
const NAMES = optionNames<ReproduceOptions>({
  signal: true,
  print: true,
  tolerance: true,
  data: true,
  code: true,
});

/**
 * Returns the default tolerance for the losses of a repeated run, in nats per token. The tolerance is 0.001 for
 * float32, and 2^-8 for lower precisions. 2^-8 is half a unit in the last place of bfloat16 for losses from 1 to 2. On
 * another machine, chaotic training can exceed the tolerance.
 */
export function defaultTolerance(policy: string): number {
  return policy === "float32" ? 1e-3 : 2 ** -8;
}

/**
 * Reruns a finished run in a temporary folder, with the recorded text, threads and environment variables, and compares
 * the results. Code from the run's folder is executed only if `code` is `recorded`.
 *
 * @param folder The run's folder.
 * @param options Tolerance, code and the location of the text.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If the run's files are missing or damaged, or the rerun was interrupted.
 */
export async function reproduceRun(
  folder: string,
  options: ReproduceOptions = {},
): Promise<Reproduction> {
  requireKnownNames(options, NAMES, "reproduce");
  const { print = (line) => console.error(line) } = options;
  const recorded = readRun(folder);
  const dir = planFolder(folder);
  const cannot = (reason: string): Reproduction => ({ answer: "cannot", reason, changes: [] });
  if (recorded.status !== "finished") return cannot(`the run is not finished: it is ${recorded.status}`);
  const { checkpoint } = runPaths(folder);
  try {
    if (exists(checkpoint)) readWhole(folder); // otherwise, compare with the checksum in the journal
  } catch (error) {
    if (error instanceof UserError) return cannot(error.message);
    throw error;
  }
  const { manifest } = recorded;
  const changes: string[] = [];
  const present = isPresentCode(manifest);
  if (!present && (options.code ?? "matching") === "matching") return cannot(otherCode(manifest, dir));
  if (!present && options.code === "present") {
    changes.push("code: this checkout's code, because of --present-code");
  }
  const found = present || options.code === "present" ? undefined : recordedCode(manifest, dir, print);
  if (found !== undefined && "missing" in found) return cannot(found.missing);
  using tree = found;
  const untrusted = await codeProblem(manifest, { dir, runRecordedCode: options.code === "recorded" });
  if (untrusted !== undefined) return cannot(untrusted);
  const data = await findData(manifest.data, { dir, data: options.data });
  if (typeof data === "string") return cannot(data);
  const root = tree?.root;
  const again = Deno.makeTempDirSync({ prefix: "losskit-" });
  try {
    const ended = await rerun(manifest, { root, data, dir, again, signal: options.signal });
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

/** Loads the code of users of a run. Returns the reason if it is missing or untrusted. */
async function codeProblem(
  { spec }: Manifest,
  options: { dir: string; runRecordedCode: boolean },
): Promise<string | undefined> {
  try {
    await loadCode(spec, options);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Finds the text of a run. Returns the reason if the text is missing. */
async function findData(recorded: DataSource, places: TextPlaces): Promise<DataSource | string> {
  try {
    return (await findText(recorded, places)).source;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Runs a spec in another folder, with a worker of the code in `root`. */
async function rerun(
  manifest: Manifest,
  at: {
    root: string | undefined;
    data: DataSource;
    dir: string;
    again: string;
    signal: AbortSignal | undefined;
  },
): Promise<{ id: string } | { reason: string }> {
  const { spec, environment } = manifest;
  const libSha256 = at.root === undefined ? sourcesHash() : hashSources(join(at.root, "lib"));
  const id = runIdOf({ spec, dataSha256: at.data.sha256, libSha256 });
  const plan: Plan = {
    format: "losskit-plan/1",
    ...{ name: "reproduce", data: at.data, libSha256, threads: spec.threads, runs: [{ id, spec }] },
  };
  writePlan(at.again, plan);
  await placeInputs(at.again, [spec], at.dir);
  const { TF_ENABLE_ONEDNN_OPTS: _onednn, ...env } = Deno.env.toObject();
  const worker = at.root === undefined
    ? new URL("../sweep/worker.ts", import.meta.url).href
    : join(at.root, "lib/sweep/worker.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: [...denoArguments(worker, at.root), at.again, id],
    clearEnv: true,
    env: { ...env, ...(environment.onednn !== undefined && { TF_ENABLE_ONEDNN_OPTS: environment.onednn }) },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stop = () => child.kill("SIGTERM");
  if (at.signal?.aborted) stop(); // the signal arrived while the text was read
  at.signal?.addEventListener("abort", stop);
  const { code, stderr } = await child.output();
  at.signal?.removeEventListener("abort", stop);
  if (at.signal?.aborted) {
    throw new UserError("Cannot reproduce the run: interrupted. Repeat the command to start over.", {
      exitCode: EXIT.stopped,
    });
  }
  if (code === EXIT.ok && readRun(runFolder(at.again, id)).status === "finished") return { id };
  const last = new TextDecoder().decode(stderr).trimEnd().split("\n").at(-1);
  return { reason: `the rerun failed with status ${code}: ${last || "no message"}` };
}
