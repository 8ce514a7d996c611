/**
 * Sweeps: specs, plans and recorded runs.
 *
 * @module
 */
export type { FrontEnd } from "../progress/front_end.ts";
export type { LiveTableOptions } from "../progress/live_table.ts";
export type { Axes, Condition, FieldValue, Wanted, When } from "./axes.ts";
export { expandSweep, type PlanFacts } from "./expand.ts";
export {
  type Conclusion,
  type Experiment,
  type ExperimentFindings,
  type ExperimentOptions,
  type ExperimentResult,
  type ExperimentSize,
  type ExperimentSweep,
  type ExperimentVerdict,
  readExperimentResult,
  runExperiment,
  specHashes,
} from "./experiment.ts";
export { type Hole, type MergedRun, type MergeReport, mergeSweeps } from "./merge.ts";
export { defaultFolder, sweepFolder } from "./default_folder.ts";
export { parseSweepSpec } from "./parse_spec.ts";
export { draftPlan, makePlan, type PlanDraft, requireUnchanged, specHash, specOfSingleRun } from "./plan.ts";
export { placePlan, type Plan, type PlannedRun, readPlan, runsOfPlan } from "./plan_file.ts";
export { type Prediction, predictRuns } from "./predict.ts";
export { type InputPlaces, withInputs } from "./spec_inputs.ts";
export { type Budget, DEFAULT_SWEEP, type SharedOptions, type SweepSpec } from "./spec.ts";
export { type FailedRun, runSweep, type SweepOptions, type SweepOutcome } from "./sweep.ts";
export { describe, DESCRIBED } from "./sweep_view.ts";
export type { Limits } from "./worker_process.ts";
