/** Experiment C: formats with fewer mantissa bits and fewer exponent bits, with and without scale factors. */
import type { PolicyName } from "../lib/precision/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import {
  gapDifference,
  gapsOf,
  gapTables,
  listed,
  precision,
  precisionAxes,
  type Precisions,
} from "./_precisions.ts";
import { concludeParts, diverged, inWords, isAbove, SMALL_MODEL } from "./_runs.ts";

const FORMATS = ["e8m3", "e8m2", "e8m1", "e5m7", "e4m7", "e3m7", "e4m7/tensor", "e3m7/tensor"];
const QUICK_FORMATS = ["e8m1", "e4m7", "e4m7/tensor"];

const precisionsOf = (formats: readonly string[]): Precisions =>
  Object.fromEntries(formats.map((format) => [format, precision(`emulated:${format}` as PolicyName)]));

/** Returns true if a final loss is not finite or is more than `nats` above float32's on average. */
const isWorse = (gap: number, nats: number) => !(gap <= nats);

const experiment: Experiment = {
  name: "c_formats",
  title: "C. How many bits of mantissa and exponent does training need?",
  claim:
    "Training in lower precision costs loss, as if the model had fewer parameters (Kumar). FP8 methods are not robust enough " +
    "to replace BF16, and incremental reductions of bits show how stability depends on the format (Lee).",
  source:
    "Lee et al. 2024, To FP8 and Back Again (arXiv:2405.18710); Kumar et al. 2024, Scaling Laws for Precision " +
    "(arXiv:2411.04330)",
  prediction:
    "IEEE-style formats in products, softmax and GELU, 150 steps, 5 seeds; gaps to float32 in nats. Mantissa: e8m3 is within " +
    "0.02 of float32, and e8m1 is more than 0.02 above e8m3, with the paired 95 % interval above 0. Exponent without scales: " +
    "e4m7 and e3m7, whose smallest numbers are 2^-13 and 2^-9, end more than 0.2 above float32 or are not finite, because " +
    "gradients underflow or sums overflow; e5m7 does not (below 0.05). Exponent with a scale per tensor: e4m7 is within 0.01 " +
    "and e3m7 within 0.05 of float32. So range is a matter of scaling, and mantissa is not. With 3 seeds all parts held.",
  sweeps: (size) => ({
    formats: {
      spec: {
        ...SMALL_MODEL,
        zip: precisionAxes(precisionsOf(size === "full" ? FORMATS : QUICK_FORMATS)),
        seeds: size === "full" ? [1, 2, 3, 4, 5] : [1],
        steps: size === "full" ? 150 : 30,
        lr: 2e-3,
        warmupSteps: 10,
        evalEvery: 1_000_000,
        evalBytes: size === "full" ? 16384 : 4096,
      },
    },
  }),
  conclude: ({ size, runs: { formats: runs = [] } }) => {
    const precisions = precisionsOf(size === "full" ? FORMATS : QUICK_FORMATS);
    const gaps = gapsOf(runs, precisions), gapTo = (format: string) => gaps[format]!.mean;
    const { training, runs: losses } = gapTables(runs, precisions);
    const tables = {
      formats: training.map((row) => ({
        ...row,
        exponent: Number(/e(\d+)/.exec(String(row["precision"]))![1]),
        mantissa: Number(/m(\d+)/.exec(String(row["precision"]))![1]),
        scaled: String(row["precision"]).endsWith("/tensor"),
        diverged:
          runs.filter((run) => run.manifest.spec.policy === `emulated:${row["precision"]}` && diverged(run))
            .length,
      })),
      runs: losses,
    };
    const reason = `emulated; final validation loss minus float32's, nats, paired seeds: ${listed(gaps)}`;
    const directionHolds = isWorse(gapTo("e4m7"), 0.05) && !isWorse(gapTo("e4m7/tensor"), 0.05);
    if (size === "quick") return { verdict: "not decidable at this scale", reason, directionHolds, tables };
    const steep = gapDifference(runs, { base: precisions["e8m3"]!, other: precisions["e8m1"]! });
    const { verdict, sentence } = concludeParts({
      "gentle, then steep in the mantissa": Math.abs(gapTo("e8m3")) <= 0.02 && isAbove(steep, 0.02),
      "few exponent bits fail without scales": isWorse(gapTo("e4m7"), 0.2) && isWorse(gapTo("e3m7"), 0.2) &&
        !isWorse(gapTo("e5m7"), 0.05),
      "e4m7 trains with scales": Math.abs(gapTo("e4m7/tensor")) <= 0.01,
      "e3m7 trains with scales": Math.abs(gapTo("e3m7/tensor")) <= 0.05,
    });
    return {
      verdict,
      reason: `${reason}; e8m1 minus e8m3 ${inWords(steep)}. ${sentence}`,
      directionHolds,
      tables,
    };
  },
};

export default experiment;
