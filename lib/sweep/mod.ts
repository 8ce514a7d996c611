/**
 * Sweeps: from a spec to a plan, and from a plan to recorded runs.
 *
 * @module
 */
export { describeEntropy, loadCorpus, prepareForRun } from "./corpus.ts";
export { findText, planFolder, type TextPlaces } from "./find_text.ts";
export { prepareRecorded, readRunTokenizer } from "./run_tokenizer.ts";
export type { Axes, Condition, FieldValue, Wanted, When } from "./axes.ts";
export { changesThatMatter, currentEnvironment, probeEnvironment } from "./environment.ts";
export { type Deadline, watchDeadline } from "./deadline.ts";
export { type ExecuteOptions, executeRun, type RunExit } from "./execute.ts";
export {
  type Conclusion,
  type Experiment,
  type ExperimentFindings,
  type ExperimentResult,
  type ExperimentSize,
  type ExperimentSweep,
  type ExperimentVerdict,
  runExperiment,
} from "./experiment.ts";
export { expandSweep, type PlanFacts } from "./expand.ts";
export { loadDataset, type LoadDatasetOptions } from "./load_dataset.ts";
export { policyName } from "./names.ts";
export { parseSweepSpec } from "./parse_spec.ts";
export { completeMerges } from "./merge_place.ts";
export { type Hole, type MergedRun, type MergeReport, mergeSweeps } from "./merge.ts";
export { kubernetesManifest, type KubernetesOptions } from "./kubernetes.ts";
export { INDEX_VARIABLES, indexOfCluster, plannedRunAt, runPlanned } from "./run_index.ts";
export { type OpenReplay, openReplay } from "./replay.ts";
export { explainRun, type Explanation } from "./explain.ts";
export { type Cost, estimateBytes, requireMemory } from "./estimate.ts";
export { defaultWorkers, machineMemory, type Memory } from "./machine.ts";
export { type Prediction, predictRuns } from "./predict.ts";
export {
  draftPlan,
  makePlan,
  placePlan,
  type Plan,
  type PlanDraft,
  type PlannedRun,
  readPlan,
  requireUnchanged,
  specOfSingleRun,
} from "./plan.ts";
export { type Interruption, watchSignals } from "../error/signals.ts";
export { modelOf } from "./run_problem.ts";
export { type RunState, stateOf } from "./run_progress.ts";
export { defaultTolerance, type ReproduceOptions, reproduceRun, type Reproduction } from "./reproduce.ts";
export { slurmLogs, type SlurmOptions, slurmScript } from "./slurm.ts";
export { type Budget, DEFAULT_SWEEP, NO_AXES, type SharedOptions, type SweepSpec } from "./spec.ts";
export { type FailedRun, runSweep, type SweepOptions, type SweepOutcome } from "./sweep.ts";
export { describe } from "./sweep_view.ts";
export type { LiveTableOptions } from "../progress/live_table.ts";
export type { FrontEnd } from "../progress/front_end.ts";
export type { Limits } from "./worker_process.ts";
export {
  type LossSignal,
  lossSignal,
  openReplaySignal,
  type ReplaySignal,
  type ShareOf,
  type TrialOptions,
} from "./trials.ts";
export { resultDifferences, resultTables } from "./same_results.ts";
export { type Verification, type VerifyOptions, verifyResume } from "./verify_resume.ts";
