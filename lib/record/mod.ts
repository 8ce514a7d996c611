/**
 * Records of runs: manifests, journals, tables and exported files. These functions use no tensors.
 *
 * @module
 */
export { atomicWrite, removeLeftovers } from "../file/atomic_write.ts";
export {
  type Column,
  type Columns,
  columnsOfRows,
  describedStepColumns,
  describedStepPieces,
  evalColumns,
  probeColumns,
  runColumns,
  type StepColumns,
  stepColumns,
} from "./columns.ts";
export {
  type ColumnForm,
  type ColumnType,
  EVAL_FORM,
  PROBE_FORM,
  RESULT_FORM,
  RUN_FORM,
  SPEC_FORM,
  STEP_FORM,
  type TableForm,
} from "./column_types.ts";
export { canonicalJson } from "./canonical_json.ts";
export { sha256Hex } from "./sha256.ts";
export {
  Claim,
  ClaimedError,
  type ClaimHolder,
  type ClaimOptions,
  isClaimed,
  readHolder,
  removeStaleClaim,
  takeClaim,
} from "./claim.ts";
export { hashSources, sourceHashes, sourcesHash } from "./sources.ts";
export { describeChange, type EnvironmentChange, environmentChanges } from "./environment_changes.ts";
export { lastStep } from "./journal_tail.ts";
export { collectEnvironment, type Environment } from "./environment.ts";
export type {
  BestEvent,
  CheckpointEvent,
  EvalEvent,
  FailEvent,
  FinishEvent,
  NewEvent,
  NonFiniteEvent,
  ResumeEvent,
  RunEvent,
  StartEvent,
  StepEvent,
  TimedEvent,
} from "./event.ts";
export { MEASUREMENTS } from "./event.ts";
export { formatEvent, formatJson } from "./event_line.ts";
export {
  compareJournals,
  type Difference,
  effectiveEvents,
  finishOf,
  type Journal,
  JournalWriter,
  readJournal,
  supersededLines,
} from "./journal.ts";
export { type ExpectedRun } from "./_event_order.ts";
export {
  describeNonFinite,
  firstNonFinite,
  type NonFiniteRecord,
  type NonFiniteStep,
  recordedNonFinite,
} from "./non_finite.ts";
export {
  type DataSource,
  dataSourceSchema,
  decodeJson,
  type Manifest,
  readJson,
  readManifest,
  readSealed,
  runIdOf,
  type SealedFile,
  writeManifest,
} from "./manifest.ts";
export { encodeArrow } from "./arrow.ts";
export { encodeTensorBoard, tensorBoardPath } from "./tensorboard.ts";
export { encodeParquet } from "./parquet.ts";
export {
  journalStatus,
  readRun,
  type RecordedRun,
  requireInside,
  requirePlace,
  requireRuns,
  runFolder,
  type RunPaths,
  runPaths,
  statusOf,
} from "./run_folder.ts";
export {
  type LeftOutRun,
  type ListedRun,
  listRuns,
  readingWarnings,
  readRuns,
  readSweep,
  type SweepRecords,
} from "./sweep_records.ts";
export { distinctRuns, isCopy } from "./distinct_runs.ts";
export { type RunNote, writeNote } from "./note.ts";
export { type ProbedStep, type RunSeries, seriesOf, type StepSeries } from "./run_series.ts";
export { readStepColumns, stepTablePath, type TableOptions, tabulateRuns } from "./step_table.ts";
export { fieldText, varyingFields } from "./varying_fields.ts";
export {
  type AddedField,
  isPerturbed,
  overridesSchema,
  perturbationOf,
  RUN_OPTIONS,
  type RunSpec,
  runSpecSchema,
} from "./run_spec.ts";
export { DATA_FIELDS } from "../options/data_fields.ts";
export { LOOP_FIELDS } from "../options/loop_fields.ts";
export { MODEL_FIELDS } from "../options/model_fields.ts";
export type { Extremes } from "../precision/mod.ts";
export type { ContentName } from "../options/content_name.ts";
export type { OptionsOf, RunField, ValueOf } from "../options/run_field.ts";
export { TRAINER_FIELDS } from "../options/trainer_fields.ts";
export { WHOLE_FIELDS } from "../options/whole_fields.ts";
export { RUN_FIELD_ENTRIES, RUN_FIELDS } from "../options/run_fields.ts";
