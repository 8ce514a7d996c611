/**
 * Sweeps: from a spec to a plan, and from a plan to recorded runs.
 *
 * @module
 */
export { loadCorpus, reloadCorpus } from "./corpus.ts";
export type { Axes, Condition, FieldValue, Wanted, When } from "./axes.ts";
export { executeRun, type RunExit } from "./execute.ts";
export { expandSweep, type PlanFacts } from "./expand.ts";
export { parseSweepSpec } from "./parse_spec.ts";
export { makePlan, placePlan, type Plan, type PlannedRun, readPlan, specOfSingleRun } from "./plan.ts";
export { modelOf } from "./run_problem.ts";
export { reproduceRun, type Reproduction } from "./reproduce.ts";
export { type Interruption, watchSignals } from "./signals.ts";
export { type Budget, DEFAULT_SWEEP, NO_AXES, type SweepSpec } from "./spec.ts";
export { describe, runSweep, type SweepOutcome } from "./sweep.ts";
