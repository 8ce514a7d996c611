/**
 * Statistics over records. No tensors.
 *
 * @module
 */
export { columnLabel, formatCell, formatTable, plainText, signed, splitColumns } from "./format.ts";
export { roundToBfloat16, roundToFloat16 } from "./rounding.ts";
export {
  BASELINE,
  countNonFinite,
  DEFAULT_BOUND,
  type Gap,
  gapOf,
  type Pair,
  pairRuns,
  seedSpread,
  spikes,
} from "./stability.ts";
export { summarize, type Summary } from "./summary.ts";
export { median, pairTable, runTable, stepTable, type Table } from "./tables.ts";
