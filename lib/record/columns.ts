/**
 * Records as columns, for tables and exported files. Numeric columns are typed arrays unless values may be missing.
 *
 * @module
 */
import {
  type ColumnForm,
  type ColumnType,
  EVAL_FORM,
  parseForm,
  PROBE_FORM,
  RUN_FORM,
  STEP_FORM,
  type TableForm,
} from "./column_types.ts";
import type { RecordedRun } from "./run_folder.ts";
import { seriesOf } from "./run_series.ts";

/** Values of one column. A missing value is null. NaN is a value. */
export type Column =
  | Int32Array
  | BigInt64Array
  | Float64Array
  | readonly (number | null)[]
  | readonly (bigint | null)[]
  | readonly (string | null)[]
  | readonly (boolean | null)[];

/** Columns of equal length, by name. */
export type Columns = Readonly<Record<string, Column>>;

/** Columns of the training steps of runs. Each step of each run is one row, in the order of the runs. */
export interface StepColumns {
  /** Run ID. */
  readonly run: readonly string[];
  /** Step, from 1. */
  readonly step: Int32Array;
  /** Training loss in nats per token. */
  readonly loss: Float64Array;
  /** Learning rate. */
  readonly lr: Float64Array;
  /** Global norm of the gradient, before clipping. */
  readonly gradNorm: Float64Array;
  /** Training tokens per second. */
  readonly tokensPerSecond: Float64Array;
}

/** Metrics of a step. */
const STEP_FIGURES = ["loss", "lr", "gradNorm", "tokensPerSecond"] as const;

/** Spec fields that accompany the steps in a table. */
const SPEC_COLUMNS = ["data", "tokenizer", "T", "policy", "seed"] as const;

/** A contiguous range of a run's steps: indices from `begin` to `end`, exclusive. */
interface Span {
  readonly run: RecordedRun;
  readonly begin: number;
  readonly end: number;
}

/** Returns the training steps of runs as columns. */
export function stepColumns(runs: readonly RecordedRun[]): StepColumns {
  return columnsOfSpans(wholeSpans(runs));
}

/**
 * Returns columns with one row per training step. In addition to {@linkcode StepColumns}, the columns are `data`,
 * `tokenizer`, `T`, `policy`, `seed` and `status` of the run, and `lossScale`. `lossScale` is null without a gradient
 * scaler.
 */
export function describedStepColumns(runs: readonly RecordedRun[]): Columns {
  return describedSpans(wholeSpans(runs));
}

/** Default number of rows in a piece of a step table. */
const PIECE = 100_000;

/**
 * Yields the rows of {@linkcode describedStepColumns} in pieces of at most `rows` rows, in bounded memory. Yields at least one
 * piece, which may be empty.
 *
 * @param rows The maximum number of rows in a piece. Default: 100,000.
 */
export function* describedStepPieces(runs: readonly RecordedRun[], rows: number = PIECE): Generator<Columns> {
  let spans: Span[] = [], count = 0;
  for (const { run, end: length } of wholeSpans(runs)) {
    for (let begin = 0; begin < length;) {
      const end = Math.min(length, begin + rows - count);
      spans.push({ run, begin, end });
      count += end - begin;
      begin = end;
      if (count < rows) continue;
      yield describedSpans(spans);
      spans = [];
      count = 0;
    }
  }
  if (count > 0 || runs.every((run) => seriesOf(run).steps.length === 0)) yield describedSpans(spans);
}

function wholeSpans(runs: readonly RecordedRun[]): Span[] {
  return runs.map((run) => ({ run, begin: 0, end: seriesOf(run).steps.length }));
}

function rowsOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { begin, end }) => sum + end - begin, 0);
}

function columnsOfSpans(spans: readonly Span[]): StepColumns {
  const count = rowsOf(spans);
  const figures = () => new Float64Array(count);
  const columns = {
    run: new Array<string>(count),
    step: new Int32Array(count),
    ...{ loss: figures(), lr: figures(), gradNorm: figures(), tokensPerSecond: figures() },
  };
  let row = 0;
  for (const { run, begin, end } of spans) {
    const { steps } = seriesOf(run), next = row + end - begin;
    columns.run.fill(run.manifest.runId, row, next);
    columns.step.set(steps.step.subarray(begin, end), row);
    for (const name of STEP_FIGURES) columns[name].set(steps[name].subarray(begin, end), row);
    row = next;
  }
  return columns;
}

function describedSpans(spans: readonly Span[]): Columns {
  const { run, ...steps } = columnsOfSpans(spans);
  const ofRuns = columnsOfRows(
    spans.map(({ run: { manifest: { spec }, status } }) => ({ ...spec, status })),
    pick(STEP_FORM, [...SPEC_COLUMNS, "status"]),
  );
  const repeated = Object.entries(ofRuns).map(([name, column]) => [name, repeat(column, spans)]);
  const lossScale = new Array<number | null>(run.length).fill(null);
  let row = 0;
  for (const { run, begin, end } of spans) {
    const scales = seriesOf(run).steps.lossScale?.subarray(begin, end);
    scales?.forEach((scale, i) => lossScale[row + i] = Number.isNaN(scale) ? null : scale);
    row += end - begin;
  }
  return { run, ...Object.fromEntries(repeated), ...steps, lossScale };
}

/**
 * Returns columns with one row per evaluation, as declared by {@linkcode EVAL_FORM}. `step` is 0 for the evaluation
 * before the first step.
 */
export function evalColumns(runs: readonly RecordedRun[]): Columns {
  const rows = runs.flatMap((run) =>
    seriesOf(run).evals.map((event) => ({ run: run.manifest.runId, ...event }))
  );
  return columnsOfRows(rows, EVAL_FORM);
}

/** Returns columns with one row per value of a metric at a probed step, as declared by {@linkcode PROBE_FORM}. */
export function probeColumns(runs: readonly RecordedRun[]): Columns {
  const rows = runs.flatMap((run) =>
    seriesOf(run).probed.flatMap(({ step, probes }) =>
      Object.entries(probes).flatMap(([scope, figures]) =>
        Object.entries(figures).flatMap(([metric, found]) => {
          const row = { run: run.manifest.runId, step, scope, metric };
          return typeof found === "number"
            ? [{ ...row, value: found }]
            : found.map((value, position) => ({ ...row, position, value }));
        })
      )
    )
  );
  return columnsOfRows(rows, PROBE_FORM);
}

/**
 * Returns columns with one row per run, as declared by {@linkcode RUN_FORM}: `run`, `status`, the completed `steps`,
 * and the fields of the spec, text, code and environment. `evalBytes` and `evalTokens` are null if the spec has
 * `"all"`.
 */
export function runColumns(runs: readonly RecordedRun[]): Columns {
  const rows = runs.map((run) => {
    const { runId, spec, data, libSha256, environment } = run.manifest;
    return {
      run: runId,
      status: run.status,
      stepsDone: seriesOf(run).steps.length,
      ...environment,
      ...spec,
      evalBytes: spec.evalBytes === "all" ? null : spec.evalBytes,
      evalTokens: spec.evalTokens === "all" ? null : spec.evalTokens,
      dataSha256: data.sha256,
      libSha256,
    };
  });
  return columnsOfRows(rows, RUN_FORM);
}

/**
 * Converts rows to the declared columns of a table. Undeclared fields are dropped.
 *
 * @param rows Records. Missing and undefined fields become null.
 * @param form Declared columns. The result has all of them, even without rows.
 * @throws {RangeError} If a value does not fit its column's type, such as 1.5 in a column of whole numbers.
 */
export function columnsOfRows(rows: readonly Readonly<Record<string, unknown>>[], form: TableForm): Columns {
  return Object.fromEntries(
    Object.entries(form).map(([name, column]) => {
      const { type, nullable } = parseForm(column);
      const values = rows.map((row) => {
        const value = row[name] ?? null;
        if (value !== null) return valueOf(name, type, value);
        if (nullable) return null;
        throw unfit(name, column, value);
      });
      return [name, nullable ? values as Column : TYPED[type](values as never)];
    }),
  );
}

const TYPED = {
  int32: (values: number[]) => Int32Array.from(values),
  int64: (values: bigint[]) => BigInt64Array.from(values),
  double: (values: number[]) => Float64Array.from(values),
  boolean: (values: boolean[]) => values,
  text: (values: string[]) => values,
};

/** Converts a value to the type of its column. Lists and records become JSON. */
function valueOf(name: string, type: ColumnType, value: unknown): number | bigint | string | boolean {
  if (type === "text") return typeof value === "string" ? value : JSON.stringify(value);
  if (type === "boolean" && typeof value === "boolean") return value;
  if (type === "double" && typeof value === "number") return value;
  if (type === "int64" && Number.isSafeInteger(value)) return BigInt(value as number);
  if (type === "int32" && ((value as number) | 0) === value) return value as number;
  throw unfit(name, type, value);
}

function unfit(name: string, form: ColumnForm, value: unknown): RangeError {
  return new RangeError(`Cannot tabulate column ${name}: expected ${form}, got ${JSON.stringify(value)}.`);
}

function pick<R extends object, K extends keyof R>(record: R, names: readonly K[]): Pick<R, K> {
  return Object.fromEntries(names.map((name) => [name, record[name]])) as Pick<R, K>;
}

/** Returns a column with one value per span, repeated for each step of the span. */
function repeat(column: Column, spans: readonly Span[]): Column {
  const rows = rowsOf(spans);
  const repeated = column instanceof BigInt64Array ? new BigInt64Array(rows) : new Array<unknown>(rows);
  let row = 0;
  spans.forEach(({ begin, end }, i) => repeated.fill(column[i] as never, row, row += end - begin));
  return repeated as Column;
}
