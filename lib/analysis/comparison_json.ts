/**
 * Comparisons as `compare.json` holds them.
 *
 * @module
 */
import { formatJson } from "../record/mod.ts";
import type { NamedComparison } from "./compare_groups.ts";
import type { ComparedPair } from "./compare_pairs.ts";
import { detectable, verdictOf } from "./verdict.ts";

/**
 * Comparisons as JSON: everything in them but gaps by single steps, which follow from the journals, with each one's
 * verdict. Numbers that JSON lacks are the names that journals give them: `"NaN"`, `"Infinity"`, `"-Infinity"`.
 *
 * @param comparisons What to write.
 * @param more Further fields of the record.
 * @param options `brief`: without pairs and blocks of steps, which a small record of a result does without (default: no).
 */
export function comparisonJson(
  comparisons: readonly NamedComparison[],
  more: Readonly<Record<string, unknown>> = {},
  { brief = false }: { brief?: boolean } = {},
): string {
  const records = comparisons.map(({ setting, comparison }) => ({
    setting,
    verdict: verdictOf(comparison),
    ...comparison,
    detectable: detectable(comparison.gaps.validation, comparison.level),
    pairs: brief ? comparison.pairs.length : comparison.pairs.map(shortPair),
    ...brief && { blocks: comparison.blocks.length },
  }));
  return `${formatJson({ format: "losskit-compare/1", comparisons: records, ...more }, 1)}\n`;
}

/** A pair without its gaps by single steps. */
function shortPair({ gap: { byStep: _, ...gap }, ...pair }: ComparedPair): Record<string, unknown> {
  return { ...pair, gap };
}
