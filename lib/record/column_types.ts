/**
 * Column types of exported tables. The types are declared and do not depend on the values, so that the files of all
 * sweeps have the same schema.
 *
 * @module
 */
import type { RunField } from "../options/run_field.ts";
import { RUN_FIELD_ENTRIES } from "../options/run_fields.ts";
import type { Environment } from "./environment.ts";
import type { RunSpec } from "./run_spec.ts";

/** Type of a column's values. `text` is UTF-8. */
export type ColumnType = "int32" | "int64" | "double" | "boolean" | "text";

/** Declared type of a column. `?` marks columns with missing values. */
export type ColumnForm = ColumnType | `${ColumnType}?`;

/** Declared columns of a table by name, in order. */
export type TableForm = Readonly<Record<string, ColumnForm>>;

/** Splits a declaration into its type and its nullability. */
export function parseForm(form: ColumnForm): { type: ColumnType; nullable: boolean } {
  const nullable = form.endsWith("?");
  return { type: (nullable ? form.slice(0, -1) : form) as ColumnType, nullable };
}

/**
 * Column types by the type of a run's field. Whole numbers are int64, because seeds have up to 53 bits. Lists are JSON.
 */
const COLUMNS = {
  whole: "int64",
  number: "double",
  flag: "boolean",
  text: "text",
  overrides: "text",
  tokens: "int64?", // null: all validation tokens (`"all"` in the spec)
} as const satisfies Readonly<Record<RunField["type"], ColumnForm>>;

/** Columns for the fields of a run's spec. */
export const SPEC_FORM: Readonly<Record<keyof RunSpec, ColumnForm>> = Object.fromEntries(
  RUN_FIELD_ENTRIES.map(([name, { type }]) => [name, COLUMNS[type]]),
) as Readonly<Record<keyof RunSpec, ColumnForm>>;

/** Columns of a run's environment. Unknown values are null. */
const ENVIRONMENT_FORM = {
  cpuModel: "text?",
  cpuFlags: "text?",
  cores: "int64?",
  os: "text?",
  arch: "text?",
  denoVersion: "text?",
  tensorflowVersion: "text?",
  wheelSha256: "text?",
  device: "text?",
  rounding: "text?",
  onednn: "text?",
  gitCommit: "text?",
  gitDiffSha256: "text?",
} as const satisfies Readonly<Record<keyof Environment, ColumnForm>>;

/** Columns of the table of runs: one row per run. */
export const RUN_FORM = {
  run: "text",
  status: "text",
  stepsDone: "int32",
  ...SPEC_FORM,
  dataSha256: "text",
  libSha256: "text",
  ...ENVIRONMENT_FORM,
} as const satisfies TableForm;

/** Columns for a run's results, in addition to {@linkcode RUN_FORM}. NaN or null means that the result is missing. */
export const RESULT_FORM = {
  valLoss: "double",
  bestValLoss: "double",
  bitsPerByte: "double",
  tokensPerSecond: "double",
  peakBytes: "int64?",
  spikes: "int32",
  nonFinite: "int32",
} as const satisfies TableForm;

/** Columns of the table of steps: one row per training step. */
export const STEP_FORM = {
  run: "text",
  data: "text",
  tokenizer: "text",
  T: "int64",
  policy: "text",
  seed: "int64",
  status: "text",
  step: "int32",
  loss: "double",
  lr: "double",
  gradNorm: "double",
  tokensPerSecond: "double",
  lossScale: "double?",
} as const satisfies TableForm;

/**
 * Columns of the table of probes: one row per value of a metric at a probed step. `scope` is a layer or a parameter.
 * `position` is the index of the value if the metric is a list, such as `byPosition`.
 */
export const PROBE_FORM = {
  run: "text",
  step: "int32",
  scope: "text",
  metric: "text",
  position: "int32?",
  value: "double",
} as const satisfies TableForm;

/** Columns of the table of evaluations: one row per evaluation. */
export const EVAL_FORM = {
  run: "text",
  step: "int64",
  loss: "double",
  bitsPerByte: "double",
  emaLoss: "double?",
  emaBitsPerByte: "double?",
  tokens: "int64",
  seconds: "double",
  peakBytes: "int64?",
} as const satisfies TableForm;
