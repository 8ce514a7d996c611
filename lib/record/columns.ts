/**
 * Records as columns: what tables and files of tables are made from. A column without gaps is a typed array where it
 * can be.
 *
 * @module
 */
import { effectiveEvents } from "./journal.ts";
import type { RecordedRun } from "./run_folder.ts";

/** One column; null where a row has no value, which is another thing than NaN. */
export type Column =
  | Int32Array
  | Float64Array
  | readonly (number | null)[]
  | readonly (string | null)[]
  | readonly (boolean | null)[];

/** Columns of one length, by name. */
export type Columns = Readonly<Record<string, Column>>;

/** What a column holds: `text` too where it holds nothing. */
export function kindOf(column: Column): "int32" | "double" | "boolean" | "text" {
  if (column instanceof Int32Array) return "int32";
  if (column instanceof Float64Array) return "double";
  const value = column.find((value) => value !== null);
  return typeof value === "number" ? "double" : typeof value === "boolean" ? "boolean" : "text";
}

/** A row a training step, each step once, runs in their order. */
export interface StepColumns {
  /** The run's identity. */
  readonly run: readonly string[];
  /** From 1. */
  readonly step: Int32Array;
  /** Nats per token. */
  readonly loss: Float64Array;
  /** Learning rate. */
  readonly lr: Float64Array;
  /** Global norm of the gradient, before clipping. */
  readonly gradNorm: Float64Array;
  /** Training tokens per second. */
  readonly tokensPerSecond: Float64Array;
}

/** The fields of a step that are figures. */
const STEP_FIGURES = ["loss", "lr", "gradNorm", "tokensPerSecond"] as const;

/** Fields of a run's spec that a table of steps has beside them. */
const SPEC_COLUMNS = ["data", "tokenizer", "T", "policy", "seed"] as const;

/** The training steps of runs. */
export function stepColumns(runs: readonly RecordedRun[]): StepColumns {
  const byRun = runs.map(({ manifest, events }) => ({
    id: manifest.runId,
    steps: effectiveEvents(events).steps,
  }));
  const count = byRun.reduce((sum, { steps }) => sum + steps.length, 0);
  const figures = () => new Float64Array(count);
  const columns = {
    run: new Array<string>(count),
    step: new Int32Array(count),
    ...{ loss: figures(), lr: figures(), gradNorm: figures(), tokensPerSecond: figures() },
  };
  let row = 0;
  for (const { id, steps } of byRun) {
    for (const event of steps) {
      columns.run[row] = id;
      columns.step[row] = event.step;
      for (const name of STEP_FIGURES) columns[name][row] = event[name];
      row++;
    }
  }
  return columns;
}

/**
 * A row a training step: `run`, `data`, `tokenizer`, `T`, `policy`, `seed` and `status` of its run, the rest of
 * {@linkcode StepColumns}, and `lossScale` where a policy has one.
 */
export function describedStepColumns(runs: readonly RecordedRun[]): Columns {
  const { run, ...steps } = stepColumns(runs);
  const rowOf = new Map(runs.map(({ manifest }, row) => [manifest.runId, row]));
  const rows = run.map((id) => rowOf.get(id)!);
  const ofRuns = columnsOfRows(
    runs.map(({ manifest: { spec }, status }) => ({ ...pick(spec, SPEC_COLUMNS), status })),
    [...SPEC_COLUMNS, "status"],
  );
  const repeated = Object.entries(ofRuns).map(([name, column]) => [name, repeat(column, rows)]);
  return { run, ...Object.fromEntries(repeated), ...steps, ...lossScaleColumn(runs) };
}

/** The gradient scaler's factor of every step, where any run has one. */
function lossScaleColumn(runs: readonly RecordedRun[]): Columns {
  const lossScale = runs.flatMap(({ events }) =>
    effectiveEvents(events).steps.map((event) => event.lossScale ?? null)
  );
  return lossScale.some((value) => value !== null) ? { lossScale } : {};
}

/** A row an evaluation: `run`, `step` (0: before the first) and the event's figures. */
export function evalColumns(runs: readonly RecordedRun[]): Columns {
  const rows = runs.flatMap(({ manifest, events }) =>
    effectiveEvents(events).evals.map(({ event: _event, time: _time, ...figures }) => ({
      run: manifest.runId,
      ...figures,
    }))
  );
  return columnsOfRows(rows, ["run", "step", "loss", "bitsPerByte", "tokens", "seconds"]);
}

/** A row a run: `run`, `status`, `steps` done, the fields of its spec, its text, its code, and where it ran. */
export function runColumns(runs: readonly RecordedRun[]): Columns {
  const rows = runs.map(({ manifest: { runId, spec, data, libSha256, environment }, events, status }) => ({
    run: runId,
    status,
    stepsDone: effectiveEvents(events).steps.length,
    ...spec,
    dataSha256: data.sha256,
    libSha256,
    ...environment,
  }));
  return columnsOfRows(rows, ["run", "status", "stepsDone"]);
}

/**
 * Rows as columns.
 *
 * @param rows Records; what one does not have, or has as undefined, is null.
 * @param names Columns that come first, and are there without rows too; others follow in the order they appear in.
 */
export function columnsOfRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  names: readonly string[],
): Columns {
  const all = new Set([...names, ...rows.flatMap(Object.keys)]);
  return Object.fromEntries([...all].map((name) => [name, columnOf(rows.map((row) => row[name] ?? null))]));
}

/** The narrowest column that holds values as they are; mixed ones and records become text. */
function columnOf(values: readonly unknown[]): Column {
  const every = (type: string) => values.every((value) => value === null || typeof value === type);
  const whole = values.length > 0 && !values.includes(null);
  if (every("number") && values.some((value) => value !== null)) {
    const numbers = values as readonly (number | null)[];
    if (!whole) return numbers;
    const int32 = numbers.every((value) => Object.is(value! | 0, value));
    return (int32 ? Int32Array : Float64Array).from(numbers as readonly number[]);
  }
  if (every("boolean") && whole) return values as readonly boolean[];
  return values.map((value) => value === null || typeof value === "string" ? value : JSON.stringify(value));
}

function pick<R extends object, K extends keyof R>(record: R, names: readonly K[]): Pick<R, K> {
  return Object.fromEntries(names.map((name) => [name, record[name]])) as Pick<R, K>;
}

/** A column's values at the given rows. */
function repeat(column: Column, rows: readonly number[]): Column {
  if (column instanceof Int32Array) return Int32Array.from(rows, (row) => column[row]!);
  if (column instanceof Float64Array) return Float64Array.from(rows, (row) => column[row]!);
  return rows.map((row) => column[row]!) as Column;
}
