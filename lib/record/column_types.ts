/**
 * The type of every column of an exported table. It is declared here and never follows the values, so that the files of
 * different sweeps have one schema and can be read together.
 *
 * @module
 */
import { RUN_FIELD_ENTRIES, type RunField } from "../options/run_fields.ts";
import type { Environment } from "./environment.ts";
import type { RunSpec } from "./run_spec.ts";

/** The type of a column's values; `text` is UTF-8. */
export type ColumnType = "int32" | "int64" | "double" | "boolean" | "text";

/** The declaration of a column: its type, with `?` where a row may have no value. */
export type ColumnForm = ColumnType | `${ColumnType}?`;

/** The declarations of a table's columns, by name, in order. */
export type TableForm = Readonly<Record<string, ColumnForm>>;

/** Splits a declaration into its type and whether values may be missing. */
export function parseForm(form: ColumnForm): { type: ColumnType; nullable: boolean } {
  const nullable = form.endsWith("?");
  return { type: (nullable ? form.slice(0, -1) : form) as ColumnType, nullable };
}

/** Columns by the type of a run's field. Whole numbers are int64: a seed may have 53 bits. Lists are JSON texts. */
const COLUMNS = {
  whole: "int64",
  number: "double",
  flag: "boolean",
  text: "text",
  overrides: "text",
  tokens: "int64?", // null: the whole validation part (`"all"` in the spec)
} as const satisfies Readonly<Record<RunField["type"], ColumnForm>>;

/** The fields of a run's spec. */
export const SPEC_FORM: Readonly<Record<keyof RunSpec, ColumnForm>> = Object.fromEntries(
  RUN_FIELD_ENTRIES.map(([name, { type }]) => [name, COLUMNS[type]]),
) as Readonly<Record<keyof RunSpec, ColumnForm>>;

/** The fields of a run's environment; each is null where it could not be found out. */
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

/** The table of runs: a row a run. */
export const RUN_FORM = {
  run: "text",
  status: "text",
  stepsDone: "int32",
  ...SPEC_FORM,
  dataSha256: "text",
  libSha256: "text",
  ...ENVIRONMENT_FORM,
} as const satisfies TableForm;

/** The results of a run, beside {@linkcode RUN_FORM}. NaN: the run has none. */
export const RESULT_FORM = {
  valLoss: "double",
  bestValLoss: "double",
  bitsPerByte: "double",
  tokensPerSecond: "double",
  spikes: "int32",
  nonFinite: "int32",
} as const satisfies TableForm;

/** The table of steps: a row a training step. */
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

/** The table of evaluations: a row an evaluation. */
export const EVAL_FORM = {
  run: "text",
  step: "int64",
  loss: "double",
  bitsPerByte: "double",
  emaLoss: "double?",
  emaBitsPerByte: "double?",
  tokens: "int64",
  seconds: "double",
} as const satisfies TableForm;
