/**
 * Runs: their data, memory and time, execution, and resumption.
 *
 * @module
 */
export { type Interruption, watchSignals } from "../error/signals.ts";
export { describeEntropy, loadCorpus, prepareForRun } from "./corpus.ts";
export { type Deadline, watchDeadline } from "./deadline.ts";
export { changesThatMatter, probeEnvironment } from "./environment.ts";
export { type Cost, estimateBytes, requireMemory } from "./estimate.ts";
export { type ExecuteOptions, executeRun, type RunExit } from "./execute.ts";
export { findText, planFolder, type TextPlaces } from "./find_text.ts";
export { loadModel } from "./load_model.ts";
export { loadDataset, type LoadDatasetOptions } from "./load_dataset.ts";
export { defaultWorkers, machineMemory, type Memory, workersOf } from "./machine.ts";
export { completeMerges } from "./merge_place.ts";
export { explainNonFinite } from "./explain_non_finite.ts";
export {
  type ModelChoice,
  type OpenedModel,
  openModel,
  type WhichWeights,
  withUserErrors,
} from "./open_model.ts";
export { type CodeField, loadCode } from "./own_code.ts";
export { policyName } from "./names.ts";
export { type OpenReplay, openReplay } from "./replay.ts";
export { modelOf } from "./model_of.ts";
export { type RunState, stateOf } from "./run_progress.ts";
export { readRunTokenizer } from "./run_tokenizer.ts";
