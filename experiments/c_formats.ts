/** Experiment C: formats with fewer mantissa bits and fewer exponent bits. */
import type { Experiment } from "../lib/sweep/mod.ts";
import { diverged, fields, hasPolicy, inWords, pairedGap, SMALL_MODEL, validationLoss } from "./_runs.ts";

const MANTISSAS = ["e8m7", "e8m5", "e8m3", "e8m2", "e8m1"], EXPONENTS = ["e6m7", "e5m7", "e4m7", "e3m7"];
const policyOf = (format: string) => `emulated:${format}`;

const experiment: Experiment = {
  name: "c_formats",
  title: "C. How many bits of mantissa and exponent does training need?",
  claim:
    "The loss degrades gently as mantissa bits are taken away and then steeply, and exponent bits cannot be taken " +
    "away as far: training becomes unstable or fails with too few of them.",
  source:
    "Lee et al. 2024, To FP8 and Back Again (arXiv:2405.18710); Kumar et al. 2024, Scaling Laws for Precision " +
    "(arXiv:2411.04330)",
  prediction:
    "Of formats emulated in matrix products, softmax and GELU, without loss scaling: e8m7 ends within 0.01 " +
    "nats of float32, e8m3 within 0.05, e8m2 and e8m1 visibly above it; of the exponents, e5m7 (float16's range) still " +
    "trains nearly as well, while e4m7 and e3m7, whose smallest numbers are 2^-13 and 2^-9, lose gradients and end " +
    "more than 0.2 nats above: 11 bits with 3 of exponent are worse than 10 bits with 8 of exponent and 1 of mantissa.",
  sweeps: (size) => ({
    formats: {
      spec: {
        ...SMALL_MODEL,
        policy: [
          "float32",
          ...(size === "full" ? [...MANTISSAS, ...EXPONENTS] : ["e8m7", "e8m1", "e3m7"]).map((one) =>
            one === "float32" ? one : policyOf(one)
          ),
        ],
        seeds: size === "full" ? [1, 2] : [1],
        steps: size === "full" ? 300 : 40,
        lr: 2e-3,
        warmupSteps: 10,
        evalEvery: size === "full" ? 300 : 40,
        evalTokens: size === "full" ? 32768 : 4096,
      },
    },
  }),
  conclude: ({ size, runs: { formats: runs = [] } }) => {
    const gap = (format: string) =>
      pairedGap(runs, { base: hasPolicy("float32"), other: hasPolicy(policyOf(format)) });
    const formats = size === "full" ? [...MANTISSAS, ...EXPONENTS] : ["e8m7", "e8m1", "e3m7"];
    const tables = {
      formats: formats.map((format) => ({
        format,
        exponent: Number(/e(\d+)/.exec(format)![1]),
        mantissa: Number(/m(\d+)/.exec(format)![1]),
        ...fields(gap(format)),
        diverged: runs.filter((run) => hasPolicy(policyOf(format))(run) && diverged(run)).length,
      })),
      runs: runs.map((run) => ({
        policy: run.manifest.spec.policy,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
      })),
    };
    const figures = formats.map((format) => `${format} ${inWords(gap(format))}`).join(", ");
    const reason = `emulated; final validation loss minus float32's, nats, paired seeds: ${figures}`;
    const above = (format: string, nats: number) => !(gap(format).mean <= nats); // true for NaN
    const directionHolds = !above("e8m7", 0.02) && above("e3m7", gap("e8m1").mean);
    if (size === "quick") return { verdict: "not decidable at this scale", reason, directionHolds, tables };
    const gentle = !above("e8m7", 0.01) && !above("e8m3", 0.05);
    const steep = above("e8m1", 3 * Math.abs(gap("e8m3").mean)) && above("e8m1", 0.02);
    const range = above("e3m7", 0.2) && above("e3m7", gap("e8m1").mean) && !above("e5m7", 0.05);
    return {
      verdict: gentle && steep && range ? "reproduced" : "not reproduced",
      reason:
        `${reason}. Mantissa gentle, then steep: ${
          gentle && steep ? "yes" : "no"
        }; too few exponent bits are ` +
        `worse than too few mantissa bits: ${range ? "yes" : "no"}; e4m7 ${
          above("e4m7", 0.2) ? "fails" : "trains"
        } here.`,
      directionHolds,
      tables,
    };
  },
};

export default experiment;
