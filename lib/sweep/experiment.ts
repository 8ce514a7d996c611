/**
 * An experiment: a published claim, what is expected of it here, the sweeps that test it, and what they come to. Files in
 * `experiments/` have one each as their default export; `deno task experiment` runs it.
 *
 * @module
 */
import { join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { type Environment, readRuns, type RecordedRun, type RunEvent } from "../record/mod.ts";
import { parseSweepSpec } from "./parse_spec.ts";
import { makePlan, placePlan, readPlan, specHash } from "./plan.ts";
import type { Interruption } from "../error/signals.ts";
import type { SweepSpec } from "./spec.ts";
import { runSweep } from "./sweep.ts";

/** `quick` shows the direction within a minute; `full` is what a verdict is made of. */
export type ExperimentSize = "quick" | "full";

/** What a claim comes to. */
export type ExperimentVerdict = "reproduced" | "not reproduced" | "not decidable at this scale";

/** One sweep of an experiment. */
export interface ExperimentSweep {
  /** Fields of its spec, as `sweep` reads them. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Environment variables that its runs have beside the others. Default: none. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What an experiment found: plain data, as JSON has it. */
export interface Conclusion {
  /** The verdict. */
  readonly verdict: ExperimentVerdict;
  /** Why, in one or two sentences with figures. */
  readonly reason: string;
  /** Whether the direction that even the quick form must show is seen: one part of the prediction. */
  readonly directionHolds: boolean;
  /** Tables by name, a record a row: what figures are made of. */
  readonly tables: Readonly<
    Record<string, readonly Readonly<Record<string, string | number | boolean | null>>[]>
  >;
}

/** What its sweeps left behind. */
export interface ExperimentFindings {
  /** Which form was run. */
  readonly size: ExperimentSize;
  /** The runs of each sweep. */
  readonly runs: Readonly<Record<string, readonly RecordedRun[]>>;
  /** The folder of each sweep, for checkpoints. */
  readonly folders: Readonly<Record<string, string>>;
}

/** A published claim and its test. */
export interface Experiment {
  /** What its files are called. */
  readonly name: string;
  /** The question, in a line. */
  readonly title: string;
  /** What was claimed. */
  readonly claim: string;
  /** Who claimed it, and where. */
  readonly source: string;
  /** What is expected here, written before the first full run. */
  readonly prediction: string;
  /** Its sweeps by name. */
  sweeps(size: ExperimentSize): Readonly<Record<string, ExperimentSweep>>;
  /** What they come to; further measurements may be made here. */
  conclude(found: ExperimentFindings): Conclusion | Promise<Conclusion>;
}

/** An experiment's result, as its file holds it. */
export interface ExperimentResult extends Conclusion {
  /** The form of this file. */
  readonly format: "losskit-experiment/1";
  /** The experiment's name, title, claim, source and prediction. */
  readonly experiment: Pick<Experiment, "name" | "title" | "claim" | "source" | "prediction">;
  /** Which form was run. */
  readonly size: ExperimentSize;
  /** Runs. */
  readonly runs: number;
  /** Seconds that its runs took, added up: several run at once. */
  readonly seconds: number;
  /** Where it ran. */
  readonly environment: Environment | undefined;
}

/**
 * Runs an experiment, or goes on with it.
 *
 * @param experiment The experiment.
 * @param options Its size, its folder, runs at once, threads of each, signals, and where to print.
 * @returns Its result; undefined: it was interrupted.
 * @throws {UserError} for a spec that does not hold, or when runs failed.
 */
export async function runExperiment(
  experiment: Experiment,
  options: {
    size: ExperimentSize;
    dir: string;
    workers: number;
    threads: number;
    interruption: Interruption;
    print: (line: string) => void;
  },
): Promise<ExperimentResult | undefined> {
  const { size, dir, workers, threads, interruption, print } = options;
  const runs: Record<string, RecordedRun[]> = {}, folders: Record<string, string> = {};
  for (const [name, { spec, variables = {} }] of Object.entries(experiment.sweeps(size))) {
    const folder = join(dir, name);
    const checked = checkedSpec(experiment, name, spec);
    const plan = await makePlan(checked, readPlan(folder)?.threads ?? threads);
    placePlan(folder, plan);
    print(`${name}: ${plan.runs.length} runs`);
    const { exitCode, failed } = await withVariables(
      variables,
      () => runSweep(plan, { dir: folder, workers, interruption }),
    );
    if (exitCode === EXIT.interrupted) return undefined;
    if (failed.length > 0) {
      throw new UserError(`Cannot conclude: ${failed.length} runs of ${name} failed: ${failed[0]!.reason}`, {
        exitCode: EXIT.someFailed,
      });
    }
    folders[name] = folder;
    runs[name] = readRuns(folder);
  }
  const all = Object.values(runs).flat();
  const conclusion = await experiment.conclude({ size, runs, folders });
  const { name, title, claim, source, prediction } = experiment;
  return {
    format: "losskit-experiment/1",
    experiment: { name, title, claim, source, prediction },
    size,
    ...conclusion,
    runs: all.length,
    seconds: Math.round(all.reduce((sum, { events }) => sum + secondsOf(events), 0)),
    environment: all[0]?.manifest.environment,
  };
}

/**
 * Returns the hash of each sweep's spec by the sweep's name.
 *
 * @throws {UserError} for a spec that does not hold.
 */
export function experimentHashes(experiment: Experiment, size: ExperimentSize): Record<string, string> {
  return Object.fromEntries(
    Object.entries(experiment.sweeps(size)).map((
      [name, { spec }],
    ) => [name, specHash(checkedSpec(experiment, name, spec))]),
  );
}

function checkedSpec(experiment: Experiment, name: string, spec: ExperimentSweep["spec"]): SweepSpec {
  return parseSweepSpec({ name: `${experiment.name}-${name}`, ...spec }, `${experiment.name}'s ${name}`);
}

/** Seconds of the process that finished a run. */
function secondsOf(events: readonly RunEvent[]): number {
  return events.findLast((event) => event.event === "finish")?.seconds ?? 0;
}

/** Runs `work` with environment variables set, and puts the former ones back. */
async function withVariables<R>(
  variables: Readonly<Record<string, string>>,
  work: () => Promise<R>,
): Promise<R> {
  const former = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    return await work();
  } finally {
    for (const [name, value] of former) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}
