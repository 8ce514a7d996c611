/**
 * Perturbed runs of a sweep, which measure the noise floor of its comparisons.
 *
 * @module
 */
import { isBaseline } from "../precision/mod.ts";
import { canonicalJson, isPerturbed, type RunSpec } from "../record/mod.ts";

/**
 * Returns perturbed copies of the float32 runs of each setting that also has a lower precision: `floor` copies per setting.
 * The copies take the seeds of the setting in turn, with further draws after the last seed. Copies with rounding noise
 * (`perturb`) and with another order of sums (`reorder`) alternate.
 *
 * @param runs Runs of a sweep.
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
