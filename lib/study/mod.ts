/**
 * Whole studies, each one call: run a sweep, compare its runs.
 *
 * @module
 */
export { compare, type CompareOptions, type RunsComparison, type SettingVerdict } from "./compare.ts";
export { findCulprit, type FindCulpritOptions } from "./culprit.ts";
export {
  type PlacedSweep,
  placeSweep,
  runPlaced,
  shareMachine,
  sweep,
  type SweepCallOptions,
  type SweepSpecInput,
} from "./sweep.ts";
