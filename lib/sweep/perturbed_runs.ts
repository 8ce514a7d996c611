/**
 * Perturbed runs of a sweep, which measure the noise floor of its comparisons.
 *
 * @module
 */
import { isBaseline } from "../precision/mod.ts";
import { canonicalJson, isPerturbed, type RunSpec } from "../record/mod.ts";

/**
 * Returns perturbed copies of float32 runs: `floor` copies for each setting that also has runs in a lower precision. A
 * setting is a set of runs that differ only in precision and seed. The copies take the seeds of the setting in turn.
 * After the last seed, the first seed is used again, with another random perturbation. The copies alternate between
 * rounding noise (`perturb`) and another order of sums (`reorder`).
 *
 * @param runs The runs of a sweep that are not perturbed.
 * @param floor Number of copies per setting.
 */
export function perturbedRuns(runs: readonly RunSpec[], floor: number): RunSpec[] {
  const settingOf = (run: RunSpec) => canonicalJson({ ...run, policy: "", overrides: [], seed: 0 });
  const compared = new Set(runs.filter((run) => !isBaseline(run)).map(settingOf));
  const baselines = runs.filter((run) =>
    isBaseline(run) && !isPerturbed(run) && compared.has(settingOf(run))
  );
  return [...Map.groupBy(baselines, settingOf).values()].flatMap((group) =>
    Array.from({ length: floor }, (_, i) => ({
      ...group[i % group.length]!,
      [i % 2 === 0 ? "perturb" : "reorder"]: 1 + Math.floor(i / group.length),
    }))
  );
}
