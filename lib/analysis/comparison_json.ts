/**
 * Comparisons as `compare.json` holds them.
 *
 * @module
 */
import { formatJson } from "../record/mod.ts";
import type { SettledComparison } from "./settle.ts";
import { detectable, verdictOf } from "./verdict.ts";

/**
 * Comparisons as JSON: everything in them but gaps by single steps, which follow from the journals, with each one's
 * verdict. Numbers that JSON lacks are the names that journals give them: `"NaN"`, `"Infinity"`, `"-Infinity"`.
 *
 * @param comparisons What to write.
 * @param more Further fields of the record.
 */
export function comparisonJson(
  comparisons: readonly SettledComparison[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const records = comparisons.map(({ setting, comparison }) => ({
    setting,
    verdict: verdictOf(comparison),
    ...comparison,
    detectable: detectable(comparison.gaps.validation, comparison.level),
    pairs: comparison.pairs.map(({ gap: { byStep: _, ...gap }, ...pair }) => ({ ...pair, gap })),
  }));
  return `${formatJson({ format: "losskit-compare/1", comparisons: records, ...more }, 1)}\n`;
}
