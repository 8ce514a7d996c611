/**
 * Statistics of recorded runs. These functions use no tensors.
 *
 * @module
 */
export { briefText } from "./brief.ts";
export { comparisonJson } from "./comparison_json.ts";
export {
  comparedPairsTable,
  comparisonNotes,
  comparisonText,
  gapTable,
  nonFiniteNotes,
} from "./comparison_text.ts";
export {
  biasedParts,
  biasSentence,
  type CulpritFinding,
  type CulpritSearch,
  culpritSentence,
  type FoundFrom,
  gradientErrorText,
  type Part,
  type PartBias,
  partName,
  partsOf,
  type ReplayedStep,
  replayTable,
  returned,
  squaredBias,
} from "./culprit.ts";
export { culpritBound, type CulpritOptions, searchCulprit, type ShareOf } from "./find_culprit.ts";
export { type Block, blockMeans, blocksOf } from "./gap_blocks.ts";
export { columnLabel, count, formatCell, formatTable, percent, signed, splitColumns } from "./format.ts";
export { otherSeeds, pairNotes, pairProblem, perturbedPairs } from "./groups.ts";
export {
  GAP_MEASURES,
  gapGrids,
  type GapMeasure,
  type Grid,
  type GridCell,
  type GridEffect,
  gridSentences,
  gridTable,
  missingGrids,
} from "./interaction.ts";
export { median } from "./median.ts";
export { plainText } from "./plain_text.ts";
export { BASELINE, deviceOf, isBaseline, type OfPrecision, precisionName } from "./precision_name.ts";
export { roundToBfloat16, roundToFloat16 } from "./rounding.ts";
export { codeOf, settingKey, settingNamer, textNamer } from "./settings.ts";
export { type SpikeOptions, spikes } from "./spikes.ts";
export {
  countNonFinite,
  DEFAULT_TOLERANCE,
  type Gap,
  gapOf,
  keyOf,
  type Pair,
  pairRuns,
  PRECISION,
} from "./stability.ts";
export { DEFAULT_LEVEL, type Estimate, estimate, tQuantile } from "./student.ts";
export { summarize, type Summary } from "./summary.ts";
export { openStepTable, pairTable, runTable, stepTable, type Table } from "./tables.ts";
export {
  type ComparedPair,
  comparePairs,
  type Comparison,
  type ComparisonOptions,
  type GapBlock,
} from "./compare_pairs.ts";
export { type FloorSource, type NoiseFloor, type SeedSpread } from "./noise_floor.ts";
export { type Verdict, type VerdictKind, verdictOf, verdictsOf } from "./verdict.ts";
export { type ComparedGroup, compareGroups, type NamedComparison, verdictTable } from "./compare_groups.ts";
