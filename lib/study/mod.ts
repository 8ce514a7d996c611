/**
 * The library calls behind the commands: plan, run and compare a sweep, find a culprit, verify resume, report, export,
 * and use trained models.
 *
 * @module
 */
export { checkExport, type ExportCheck } from "./check_export.ts";
export { compare, type CompareOptions, type RunsComparison, type SettingVerdict } from "./compare.ts";
export {
  compareFolder,
  type CompareFolderOptions,
  compareRunFolders,
  CULPRIT_SEARCHES,
  type FolderComparison,
  type PairComparison,
} from "./compare_folder.ts";
export { compareSpec, type CompareSpecOptions, type SpecComparison } from "./compare_spec.ts";
export { findCulprit, type FindCulpritOptions } from "./culprit.ts";
export {
  evaluateModel,
  type EvaluateModelOptions,
  type ModelEvaluation,
  type QuantizedLoss,
  type TokenLoss,
} from "./evaluate_model.ts";
export {
  EXPORT_FORMATS,
  type Exported,
  type ExportFormat,
  type ExportOptions,
  exportRuns,
} from "./export_runs.ts";
export {
  generateText,
  type GenerateTextOptions,
  generateTexts,
  type GenerateTextsOptions,
} from "./generate_text.ts";
export { type NoteChange, noteRun } from "./note_run.ts";
export type { ModelChoice, WhichWeights } from "../run/mod.ts";
export { type Forecast, type ForecastRun, plan, type PlanOptions } from "./plan.ts";
export { report, type ReportOptions, type WrittenReport } from "./report.ts";
export { type SavedModel, saveModel, type SaveModelOptions } from "./save_model.ts";
export {
  describeRun,
  type RecordedOutcome,
  recordRun,
  type RecordRunOptions,
  type RunSpecInput,
  SINGLE_RUN,
} from "./single_run.ts";
export { type ResumeVerification, verifyResume, type VerifyResumeOptions } from "./verify_resume.ts";
export type { PlacedSweep, PlaceOptions, SweepSpecInput } from "./place_sweep.ts";
export {
  type ExecutionOptions,
  type RecordedSweep,
  recordSweep,
  type RecordSweepOptions,
  type ReportOutcome,
} from "./record_sweep.ts";
export { sweep, type SweepCallOptions } from "./sweep.ts";
