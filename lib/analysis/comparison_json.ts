/**
 * Serialization of comparisons in `compare.json`.
 *
 * @module
 */
import { formatJson } from "../record/mod.ts";
import type { NamedComparison } from "./compare_groups.ts";
import type { ComparedPair } from "./compare_pairs.ts";

/**
 * Returns comparisons and their verdicts as JSON text. Omits gaps by step, which can be computed from the journals. NaN
 * and infinities are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.
 *
 * @param comparisons The comparisons.
 * @param more Further fields of the JSON object. Default: none.
 * @param options `brief`: true to omit pairs and blocks of steps. Default: false.
 */
export function comparisonJson(
  comparisons: readonly NamedComparison[],
  more: Readonly<Record<string, unknown>> = {},
  { brief = false }: { brief?: boolean } = {},
): string {
  const records = comparisons.map(({ setting, verdict, comparison }) => ({
    setting,
    verdict,
    ...comparison,
    pairs: brief ? comparison.pairs.length : comparison.pairs.map(shortPair),
    ...brief && { blocks: comparison.blocks.length },
  }));
  return `${formatJson({ format: "losskit-compare/2", comparisons: records, ...more }, 1)}\n`;
}

/** Returns a pair without its gaps by step. */
function shortPair({ gap: { byStep: _, ...gap }, ...pair }: ComparedPair): Record<string, unknown> {
  return { ...pair, gap };
}
