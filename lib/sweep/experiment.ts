/**
 * Experiments: a published claim, a prediction, the sweeps that test it, and a conclusion. The default export of each
 * file in `experiments/` is an experiment. `deno task experiment` runs an experiment.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { afterRuns, EXIT, UserError } from "../error/user_error.ts";
import { parseJson } from "../file/json.ts";
import { sealJson } from "../file/sealed_json.ts";
import { writeFile } from "../file/write_file.ts";
import {
  type Environment,
  formatJson,
  readJson,
  readRuns,
  type RecordedRun,
  type RunEvent,
} from "../record/mod.ts";
import { workersOf } from "../run/machine.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { withVariables } from "../tensorflow/native/variables.ts";
import { printable } from "../error/printable.ts";
import { defaultFolder } from "./default_folder.ts";
import { parseSweepSpec } from "./parse_spec.ts";
import { makePlan, specHash } from "./plan.ts";
import { placePlan, readPlan, runsOfPlan } from "./plan_file.ts";
import type { SweepSpec } from "./spec.ts";
import { type Interruption, interruptionOf } from "../error/signals.ts";
import { withInputs } from "./spec_inputs.ts";
import { runSweep } from "./sweep.ts";

/** Size of an experiment. `quick` shows the direction of the effect within a minute. `full` decides the verdict. */
export type ExperimentSize = "quick" | "full";

/** Verdict on a published claim. */
export type ExperimentVerdict = "reproduced" | "not reproduced" | "not decidable at this scale";

/** One sweep of an experiment. */
export interface ExperimentSweep {
  /** Fields of the spec, as in `sweep`. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Environment variables that are set for the runs. Default: none. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Conclusion of an experiment, as JSON data. */
export interface Conclusion {
  /** Verdict on the claim. */
  readonly verdict: ExperimentVerdict;
  /** Reason for the verdict: one or two sentences with numbers. */
  readonly reason: string;
  /** True if the runs show the predicted direction of the effect. Expected to be true for the size `quick` as well. */
  readonly directionHolds: boolean;
  /** Tables by name. Each table is a list of rows with values by column. The experiment's figures show these tables. */
  readonly tables: Readonly<
    Record<string, readonly Readonly<Record<string, string | number | boolean | null>>[]>
  >;
}

/** Recorded runs of an experiment's sweeps, from which the conclusion is drawn. */
export interface ExperimentFindings {
  /** Size of the experiment. */
  readonly size: ExperimentSize;
  /** Runs by the name of their sweep. */
  readonly runs: Readonly<Record<string, readonly RecordedRun[]>>;
  /** Folder of each sweep by its name. The folders contain the checkpoints. */
  readonly folders: Readonly<Record<string, string>>;
}

/** A published claim and its test. */
export interface Experiment {
  /** Name of the experiment, used in file names. */
  readonly name: string;
  /** Research question, in one line. */
  readonly title: string;
  /** The published claim that the experiment tests. */
  readonly claim: string;
  /** Publication of the claim. */
  readonly source: string;
  /** Predicted result, written before the first full run. */
  readonly prediction: string;
  /** Returns the sweeps by name. */
  sweeps(size: ExperimentSize): Readonly<Record<string, ExperimentSweep>>;
  /** Draws the conclusion from the recorded runs. May measure more, for example with checkpoints. */
  conclude(found: ExperimentFindings): Conclusion | Promise<Conclusion>;
}

/** Result of an experiment, as stored in its file. */
export interface ExperimentResult extends Conclusion {
  /** File format. */
  readonly format: "losskit-experiment/1";
  /** Name, title, claim, source and prediction of the experiment. */
  readonly experiment: Pick<Experiment, "name" | "title" | "claim" | "source" | "prediction">;
  /** Size of the experiment. */
  readonly size: ExperimentSize;
  /** {@linkcode specHashes} of the sweeps. They show whether the result belongs to the current specs. */
  readonly specs: Readonly<Record<string, string>>;
  /** Number of runs. */
  readonly runs: number;
  /** Sum of the runs' durations in seconds. Larger than the elapsed time if runs were concurrent. */
  readonly seconds: number;
  /** Environment of the first run. Undefined without runs. */
  readonly environment: Environment | undefined;
}

/** Options of {@linkcode runExperiment}. */
export interface ExperimentOptions {
  /** Size of the experiment. Default: `full`. */
  readonly size?: ExperimentSize | undefined;
  /**
   * Folder for the sweeps and `result.json`. Default: `experiments/out/NAME` for `full`, `experiments/out/NAME-quick`
   * for `quick`. A suffix `-HASH` is added if that folder contains plans of other specs.
   */
  readonly dir?: string | undefined;
  /** Number of concurrent runs. Default: 2, or 1 on one core. */
  readonly workers?: number | undefined;
  /** Threads per run. Default: the number of cores divided by `workers`. An existing plan keeps its number. */
  readonly threads?: number | undefined;
  /** Signal that stops the experiment: active runs finish their current step and write a checkpoint. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Watch for signals of the process, used instead of `signal`. Default: none. */
  readonly interruption?: Interruption | undefined;
  /** Receives progress, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Names of the options. */
const NAMES = optionNames<ExperimentOptions>({
  size: true,
  dir: true,
  workers: true,
  threads: true,
  signal: true,
  interruption: true,
  print: true,
});

/**
 * Runs or resumes the sweeps of an experiment, draws its conclusion, and writes `result.json` into its folder. Recorded
 * runs that are not in the plans are ignored.
 *
 * @param experiment The experiment.
 * @param options Size, folder, concurrent runs, threads, signals and progress output.
 * @returns The result and the `path` of its file, or undefined if the experiment was interrupted.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If a spec is invalid, or a run failed.
 */
export async function runExperiment(
  experiment: Experiment,
  options: ExperimentOptions = {},
): Promise<ExperimentResult & { readonly path: string } | undefined> {
  requireKnownNames(options, NAMES, "run the experiment");
  const { size = "full", print = (line) => console.error(line) } = options;
  const workers = workersOf(options.workers);
  const { threads = Math.max(1, Math.floor(navigator.hardwareConcurrency / workers)) } = options;
  const folderName = `${experiment.name}${size === "quick" ? "-quick" : ""}`;
  const { dir = defaultFolder(folderName, experimentHashes(experiment, size)) } = options;
  const interruption = interruptionOf(options);
  requireDevice();
  print(`folder: ${printable(dir)}`);
  const runs: Record<string, RecordedRun[]> = {}, folders: Record<string, string> = {};
  for (const [name, { spec, variables = {} }] of Object.entries(experiment.sweeps(size))) {
    const folder = join(dir, name),
      place = async () => {
        const checked = checkedSpec(experiment, name, await withInputs(spec));
        const plan = await makePlan(checked, readPlan(folder)?.threads ?? threads);
        await placePlan(folder, plan);
        return plan;
      };
    const plan = await (Object.keys(runs).length === 0 ? place() : afterRuns(place));
    print(`${name}: ${plan.runs.length} runs`);
    const { exitCode, failed } = await withVariables(
      variables,
      () => runSweep(plan, { dir: folder, workers, interruption }),
    );
    if (exitCode === EXIT.interrupted) return undefined;
    if (failed.length > 0) {
      throw new UserError(
        `Cannot conclude: expected all runs of ${name} to finish, got ${failed.length} failures: ${
          failed[0]!.reason
        }`,
        {
          exitCode: EXIT.someFailed,
        },
      );
    }
    folders[name] = folder;
    runs[name] = runsOfPlan(plan, readRuns(folder));
  }
  const all = Object.values(runs).flat();
  const conclusion = await afterRuns(() => experiment.conclude({ size, runs, folders }));
  const { name, title, claim, source, prediction } = experiment;
  const result: ExperimentResult = {
    format: "losskit-experiment/1",
    experiment: { name, title, claim, source, prediction },
    size,
    ...conclusion,
    specs: specHashes(experiment, size),
    runs: all.length,
    seconds: Math.round(all.reduce((sum, { events }) => sum + secondsOf(events), 0)),
    environment: all[0]?.manifest.environment,
  };
  const path = join(dir, "result.json");
  await afterRuns(() => writeFile(path, sealJson(parseJson(formatJson(result)) as object, 1)));
  return { ...result, path };
}

/**
 * Returns the hash of each sweep as written in the experiment, by the sweep's name. The hash includes the environment
 * variables, but no default values.
 */
export function specHashes(experiment: Experiment, size: ExperimentSize): Record<string, string> {
  return Object.fromEntries(
    Object.entries(experiment.sweeps(size)).map(([name, stated]) => [name, specHash(stated)]),
  );
}

/** Fields of a result's file that identify it. The experiment decides the others. */
const resultSchema = v.looseObject({
  format: v.literal("losskit-experiment/1"),
  tables: v.record(v.string(), v.array(v.looseObject({}))),
});

/**
 * Reads and validates the result of an experiment.
 *
 * @param path The file `result.json`.
 * @throws {UserError} If the file is missing or damaged.
 */
export function readExperimentResult(path: string): ExperimentResult {
  return readJson(path, resultSchema, "the result of an experiment") as unknown as ExperimentResult;
}

/**
 * Returns the hash of each sweep's validated spec, including default values, by the sweep's name.
 *
 * @throws {UserError} If a spec is invalid.
 */
export function experimentHashes(experiment: Experiment, size: ExperimentSize): Record<string, string> {
  return Object.fromEntries(
    Object.entries(experiment.sweeps(size)).map((
      [name, { spec }],
    ) => [name, specHash(checkedSpec(experiment, name, spec))]),
  );
}

function checkedSpec(experiment: Experiment, name: string, spec: object): SweepSpec {
  return parseSweepSpec({ name: `${experiment.name}-${name}`, ...spec }, `${experiment.name}'s ${name}`);
}

/** Returns the duration in seconds of the process that finished a run. */
function secondsOf(events: readonly RunEvent[]): number {
  return events.findLast((event) => event.event === "finish")?.seconds ?? 0;
}
