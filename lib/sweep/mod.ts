/**
 * Sweeps: from a spec to a plan, and from a plan to recorded runs.
 *
 * @module
 */
export { loadCorpus, reloadCorpus } from "./corpus.ts";
export { executeRun, type RunExit } from "./execute.ts";
export { makePlan, placePlan, type Plan, type PlannedRun, readPlan, specOfSingleRun } from "./plan.ts";
export { reproduceRun, type Reproduction } from "./reproduce.ts";
export { type Interruption, watchSignals } from "./signals.ts";
export { DEFAULT_SWEEP, expandSweep, modelOf, parseSweepSpec, type SweepSpec } from "./spec.ts";
export { describe, runSweep, type SweepOutcome } from "./sweep.ts";
