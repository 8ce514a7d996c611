/**
 * `plan()`: lists a sweep's runs with their predicted time and memory.
 *
 * @module
 */
import { join } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { count } from "../analysis/mod.ts";
import { exists } from "../file/exists.ts";
import { greatest } from "../number/extent.ts";
import { formatBytes, formatDuration } from "../progress/progress.ts";
import { padEnd, widthOf } from "../progress/width.ts";
import { fieldText, type LeftOutRun, type RunSpec, type SweepRecords, varyingFields } from "../record/mod.ts";
import { machineMemory, probeEnvironment, requireMemory, type RunState, stateOf } from "../run/mod.ts";
import {
  describe,
  DESCRIBED,
  draftPlan,
  type Plan,
  type Prediction,
  predictRuns,
  runsOfPlan,
  sweepFolder,
} from "../sweep/mod.ts";
import { openRecords } from "./open_records.ts";
import { checkedSpec, shareMachine, type SweepSpecInput } from "./place_sweep.ts";

/** Options of {@linkcode plan}. */
export interface PlanOptions {
  /**
   * Folder of the sweep. Finished runs in the folder are not predicted again, and their times predict similar runs.
   * Default: the same as in {@linkcode sweep}.
   */
  readonly dir?: string | undefined;
  /** Number of concurrent runs. Default: chosen from the number of cores and the memory. */
  readonly workers?: number | undefined;
  /** Name of the spec in errors. Default: `the object given to plan()`. */
  readonly source?: string | undefined;
  /** Receives progress and warnings, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Names of the options. */
const NAMES = optionNames<PlanOptions>({ dir: true, workers: true, source: true, print: true });

/** A run of a forecast, with its predicted time and memory. */
export interface ForecastRun {
  /** Run ID, 12 hexadecimal digits. */
  readonly id: string;
  /** Spec of the run. */
  readonly spec: RunSpec;
  /** State of the run: `new`, or a description of its record, such as `finished`. */
  readonly state: string;
  /** Predicted seconds until the run is finished. Undefined if nothing is left to run. */
  readonly seconds?: number;
  /** Predicted peak memory in bytes. Undefined if nothing is left to run. */
  readonly bytes?: number;
  /**
   * Source of the prediction: `journal` (recorded runs), `measured` (steps measured by this call), or `scaled` (from
   * the nearest of these runs). Undefined if nothing is left to run.
   */
  readonly from?: Prediction["from"];
}

/** Runs of a sweep with their predicted time and memory. */
export interface Forecast {
  /** Folder of the sweep. */
  readonly dir: string;
  /** Number of concurrent runs. */
  readonly workers: number;
  /** Threads per run. */
  readonly threads: number;
  /** Runs in starting order. */
  readonly runs: readonly ForecastRun[];
  /** Predicted seconds until all runs are finished. */
  readonly seconds: number;
  /** Predicted peak memory of all concurrent runs in bytes. */
  readonly bytes: number;
  /** Table of the runs, and a summary. */
  readonly text: string;
  /** Runs of the folder that were excluded because their records are unreadable. */
  readonly leftOut: readonly LeftOutRun[];
}

/**
 * Predicts the time and memory of a sweep's runs without executing the sweep. The times come from the folder's
 * journals, or from a few steps that this call measures.
 *
 * @param spec Axes and options. Omitted fields have the values of the built-in sweep.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If the spec is invalid, the text is too short for a run, or a run does not fit into memory.
 */
export async function plan(spec: SweepSpecInput = {}, options: PlanOptions = {}): Promise<Forecast> {
  requireKnownNames(options, NAMES, "plan");
  const { print = (line) => console.error(line), source = "the object given to plan()" } = options;
  const checked = await checkedSpec(spec, { source });
  const draft = await draftPlan(checked);
  const dir = options.dir ?? sweepFolder(checked);
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  const made = draft.plan(threads);
  const { runs: recorded, leftOut } = exists(join(dir, "runs"))
    ? openRecords(dir, print)
    : { runs: [], leftOut: [] };
  const states = await statesOf(made, { runs: recorded, leftOut });
  const left = made.runs.filter(({ id }) => states.get(id)?.left !== 0);
  const predictions = new Map(
    (await predictRuns({ ...made, runs: left }, { sizesOf: draft.sizesOf, recorded, print }))
      .map((one) => [one.run.id, { ...one, seconds: one.seconds * (states.get(one.run.id)?.left ?? 1) }]),
  );
  for (const { run, bytes } of predictions.values()) requireMemory(run.spec, { bytes });
  const runs = made.runs.map(({ id, spec }): ForecastRun => {
    const { seconds, bytes, from } = predictions.get(id) ?? {};
    return {
      ...{ id, spec, state: states.get(id)?.text ?? "new" },
      ...(seconds !== undefined && bytes !== undefined && from !== undefined && { seconds, bytes, from }),
    };
  });
  const times = [...predictions.values()].map(({ seconds }) => seconds);
  const most = greatest([...predictions.values()].map(({ bytes }) => bytes));
  const forecast = {
    ...{ dir, workers, threads, runs, leftOut },
    seconds: left.length === 0
      ? 0
      : Math.max(greatest(times), times.reduce((sum, one) => sum + one, 0) / workers),
    bytes: left.length === 0 ? 0 : most * Math.min(workers, left.length),
  };
  return {
    ...forecast,
    text: [textOf(forecast, states), ...draft.notes.map((note) => `note: ${note}`)].join("\n"),
  };
}

/** Returns the states of started runs by ID. Damaged runs have nothing left to run: a sweep keeps them as failed. */
async function statesOf(plan: Plan, { runs, leftOut }: SweepRecords): Promise<Map<string, RunState>> {
  const begun = runsOfPlan(plan, runs);
  const environment = begun.length === 0 ? undefined : await probeEnvironment();
  const states = new Map(begun.map((run) => [run.manifest.runId, stateOf(run, environment!)]));
  for (const { id, damaged } of leftOut) {
    if (damaged) states.set(id, { text: "damaged", left: 0, changes: undefined });
  }
  return states;
}

function textOf(forecast: Omit<Forecast, "text">, states: ReadonlyMap<string, RunState>): string {
  const { dir, workers, threads, runs, seconds, bytes } = forecast;
  const table = tableOf(runs, { hasStates: states.size > 0 });
  const finished = runs.filter(({ state }) => state === "finished").length;
  const left = runs.filter((run) => run.seconds !== undefined);
  if (left.length === 0) {
    const done = finished === runs.length ? "finished in" : `${finished} of them finished in`;
    return `${table}\n\n${count(runs.length, "run")}, ${done} ${dir} already: nothing left to run`;
  }
  const { total, available } = machineMemory();
  const rest = finished > 0
    ? `, of which ${finished} ${finished === 1 ? "is" : "are"} finished already; the rest`
    : "";
  const sources = Object.entries(SOURCES).map(([from, text]) =>
    [left.filter((run) => run.from === from).length, text] as const
  ).filter(([runs]) => runs > 0).map(([runs, text]) => `${text} (${runs})`);
  const changed = [...states.values()].filter(({ changes }) => changes !== undefined);
  return [
    table,
    "",
    `${count(runs.length, "run")}${rest}, ${workers} at a time with ${count(threads, "thread")} each: about ${
      formatDuration(seconds)
    } and up to ${formatBytes(bytes)} of memory (${formatBytes(available)} of ${
      formatBytes(total)
    } are free)`,
    `source of times: ${sources.join(", ")}`,
    ...(changed.length === 0 ? [] : [
      `not accepted: ${count(changed.length, "run")} of a different environment (${changed[0]!.changes}); ` +
      "use --allow-environment-change to accept them",
    ]),
  ].join("\n");
}

/** Descriptions of the sources of times. */
const SOURCES: Readonly<Record<Prediction["from"], string>> = {
  journal: "journals in the folder",
  measured: "steps measured now",
  scaled: "scaled from these",
};

/** Returns a table with one row per run. Omits fields equal in all runs, and states if no run has started. */
function tableOf(runs: readonly ForecastRun[], { hasStates }: { hasStates: boolean }): string {
  const fields = varyingFields(runs.map(({ spec }) => spec), DESCRIBED);
  const rows = [
    ["run", "what", ...fields, ...(hasStates ? ["state"] : []), "time", "memory", "from"],
    ...runs.map((run) => [
      run.id,
      describe(run.spec),
      ...fields.map((field) => fieldText(run.spec, field)),
      ...(hasStates ? [run.state] : []),
      ...(run.seconds === undefined
        ? ["–", "–", "–"]
        : [formatDuration(run.seconds), formatBytes(run.bytes!), run.from!]),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => greatest(rows.map((row) => widthOf(row[i]!))));
  return rows.map((row) => row.map((cell, i) => padEnd(cell, widths[i]!)).join("  ").trimEnd()).join("\n");
}
