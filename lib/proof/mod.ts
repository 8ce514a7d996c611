/**
 * Proof: reproduction, kill-and-resume verification, explanation, and search for the cause of a gap.
 *
 * @module
 */
export { explainRun, type Explanation } from "./explain.ts";
export { type ReproduceOptions, reproduceRun, type Reproduction } from "./reproduce.ts";
export { type ReproducedRun, reproduceRuns } from "./reproduce_folder.ts";
export { resultDifferences } from "./same_results.ts";
export {
  type LossSignal,
  lossSignal,
  openReplaySignal,
  type ReplaySignal,
  type ShareOf,
  type TrialOptions,
} from "./trials.ts";
export { type Verification, verifyPlan, type VerifyPlanOptions } from "./verify_resume.ts";
