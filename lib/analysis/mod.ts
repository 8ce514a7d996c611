/**
 * Statistics over records. No tensors.
 *
 * @module
 */
export {
  BASELINE,
  countNonFinite,
  DEFAULT_BOUND,
  type Gap,
  gapOf,
  type Pair,
  pairRuns,
  spikes,
} from "./stability.ts";
export {
  formatCell,
  formatTable,
  median,
  pairTable,
  runTable,
  signed,
  summarize,
  type Summary,
  type Table,
} from "./tables.ts";
