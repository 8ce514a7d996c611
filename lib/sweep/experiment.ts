/**
 * Experiments: a published claim, a prediction, the sweeps that test it, and a conclusion. Each file in `experiments/`
 * exports one as its default; `deno task experiment` runs it.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { EXIT, UserError } from "../error/user_error.ts";
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

/** `quick` shows the direction within a minute; `full` decides the verdict. */
export type ExperimentSize = "quick" | "full";

/** Verdict on a claim. */
export type ExperimentVerdict = "reproduced" | "not reproduced" | "not decidable at this scale";

/** One sweep of an experiment. */
export interface ExperimentSweep {
  /** Fields of the spec, as in `sweep`. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Additional environment variables of the runs. Default: none. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Conclusion of an experiment, as JSON data. */
export interface Conclusion {
  /** Verdict on the claim. */
  readonly verdict: ExperimentVerdict;
  /** Reason for the verdict: one or two sentences with numbers. */
  readonly reason: string;
  /** True if the runs show the predicted direction. The quick form must show it, too. */
  readonly directionHolds: boolean;
  /** Tables by name, as lists of records. Figures are drawn from them. */
  readonly tables: Readonly<
    Record<string, readonly Readonly<Record<string, string | number | boolean | null>>[]>
  >;
}

/** Recorded results of an experiment's sweeps. */
export interface ExperimentFindings {
  /** Size of the experiment. */
  readonly size: ExperimentSize;
  /** Runs by sweep. */
  readonly runs: Readonly<Record<string, readonly RecordedRun[]>>;
  /** Folders by sweep, for access to checkpoints. */
  readonly folders: Readonly<Record<string, string>>;
}

/** A published claim and its test. */
export interface Experiment {
  /** Base name of the experiment's files. */
  readonly name: string;
  /** Research question, in one line. */
  readonly title: string;
  /** Published claim. */
  readonly claim: string;
  /** Source of the claim. */
  readonly source: string;
  /** Predicted result, written before the first full run. */
  readonly prediction: string;
  /** Returns the sweeps by name. */
  sweeps(size: ExperimentSize): Readonly<Record<string, ExperimentSweep>>;
  /** Draws the conclusion. May take further measurements. */
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
  /** SHA-256 of each sweep as the experiment states it, by the sweep's name. Ties the result to its specs. */
  readonly specs: Readonly<Record<string, string>>;
  /** Number of runs. */
  readonly runs: number;
  /** Sum of the runs' durations in seconds. Runs may overlap. */
  readonly seconds: number;
  /** Environment of the runs. */
  readonly environment: Environment | undefined;
}

/** Options of an experiment's run. */
export interface ExperimentOptions {
  /** `quick` shows the direction within a minute; `full` gives a verdict. Default: full. */
  readonly size?: ExperimentSize | undefined;
  /**
   * Folder of its sweeps and of `result.json`. Default: `experiments/out/NAME`, or `NAME-quick`, with `-HASH` if that
   * folder holds the plans of other sweeps.
   */
  readonly dir?: string | undefined;
  /** Runs at once. Default: 2, or 1 on one core. */
  readonly workers?: number | undefined;
  /** Threads of each run. Default: the cores, divided among the runs at once. */
  readonly threads?: number | undefined;
  /** Stops the experiment after the current steps, with checkpoints. */
  readonly signal?: AbortSignal | undefined;
  /** Signals of the process, instead of `signal`. */
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
 * Runs or resumes an experiment, and writes `result.json` into its folder. Uses only the runs in its plans.
 *
 * @param experiment The experiment.
 * @param options Size, folder, concurrent runs, signals and output.
 * @returns The result and the `path` of its file, or undefined if the experiment was interrupted.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} For an invalid spec, or if runs failed.
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
    const folder = join(dir, name);
    const checked = checkedSpec(experiment, name, await withInputs(spec));
    const plan = await makePlan(checked, readPlan(folder)?.threads ?? threads);
    await placePlan(folder, plan);
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
  const conclusion = await experiment.conclude({ size, runs, folders });
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
  writeFile(path, sealJson(parseJson(formatJson(result)) as object, 1));
  return { ...result, path };
}

/** Returns the hash of each sweep as the experiment states it, with its variables and without defaults, by the sweep's name. */
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
 * Reads the result of an experiment.
 *
 * @param path The file `result.json`.
 * @throws {UserError} For a missing or damaged file.
 */
export function readExperimentResult(path: string): ExperimentResult {
  return readJson(path, resultSchema, "the result of an experiment") as unknown as ExperimentResult;
}

/**
 * Returns the hash of each sweep's complete spec by the sweep's name.
 *
 * @throws {UserError} For an invalid spec.
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
