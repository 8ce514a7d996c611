/**
 * Statistics over records. No tensors.
 *
 * @module
 */
export { comparisonJson } from "./comparison_json.ts";
export { comparisonNotes, comparisonText, gapTable, twinTable } from "./comparison_text.ts";
export {
  culpritBound,
  type CulpritFinding,
  type CulpritOptions,
  type CulpritSearch,
  culpritSentence,
  findCulprit,
  type FoundFrom,
  type Part,
  partName,
  partsOf,
  type ReplayedStep,
  replayTable,
  returned,
  wholeClasses,
} from "./culprit.ts";
export { type Block, divergedAt } from "./departure.ts";
export {
  columnLabel,
  count,
  formatCell,
  formatTable,
  percent,
  plainText,
  signed,
  splitColumns,
} from "./format.ts";
export { otherSeeds, type TwinGroup, twinGroups, twinNotes, twinProblem } from "./groups.ts";
export {
  GAP_MEASURES,
  gapGrids,
  type GapMeasure,
  type Grid,
  type GridCell,
  type GridEffect,
  gridSentences,
  gridTable,
} from "./interaction.ts";
export { median } from "./median.ts";
export { BASELINE, deviceOf, isBaseline, type OfPrecision, precisionName } from "./precision_name.ts";
export { roundToBfloat16, roundToFloat16 } from "./rounding.ts";
export {
  countNonFinite,
  DEFAULT_BOUND,
  type Gap,
  gapOf,
  keyOf,
  type Pair,
  pairRuns,
  PRECISION,
  seedSpread,
  spikes,
} from "./stability.ts";
export { DEFAULT_LEVEL, type Estimate, estimate, signFlipP, tQuantile } from "./student.ts";
export { summarize, type Summary } from "./summary.ts";
export { openStepTable, pairTable, runTable, stepTable, type Table } from "./tables.ts";
export {
  compareTwins,
  type Comparison,
  DEFAULT_TOLERANCE,
  type GapBlock,
  type SeedFloor,
  type TwinOptions,
  type TwinPair,
} from "./twins.ts";
export { detectable, ownSpikes, pairsFor, type Verdict, type VerdictKind, verdictOf } from "./verdict.ts";
export { type SettledComparison, type SettledGroup, settleTwins, verdictTable } from "./settle.ts";
export { type SmallestSet, smallestSet, trialBound } from "./smallest_set.ts";
