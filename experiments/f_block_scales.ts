/** Experiment F: the exponent of the scales of MX blocks. */
import { estimate } from "../lib/analysis/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import { quantize } from "../lib/tensorflow/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import {
  concludeTraining,
  gradientDifference,
  gradientErrors,
  gradientTable,
  listed,
  meansOf,
  precision,
  trainingSweep,
} from "./_precisions.ts";
import { fields, inWords, isAbove } from "./_runs.ts";

const PRECISIONS = { floor: precision("mxfp8"), ceil: precision("mxfp8+ceil") };

/** Largest gap that counts as equal, nats per token. */
const TOLERANCE = 0.01;

/**
 * Returns the relative change of a block of 32 LayerNorm gains, uniform in [0.9, 1), by MXFP8: Σ (q - g) g / Σ g².
 *
 * @param scaling `mx` (floor) or `mx-ceil`.
 */
function shrinkage(scaling: "mx" | "mx-ceil", seed: number): number {
  const random = createRandom(seed, "gains");
  const gains = Float32Array.from({ length: 32 }, () => 0.9 + 0.1 * random.nextUint32() / 2 ** 32);
  const rounded = quantize(gains, "e4m3fn", { scaling });
  const sum = (values: Float32Array) => values.reduce((all, value, i) => all + value * gains[i]!, 0);
  return sum(rounded) / sum(gains) - 1;
}

const experiment: Experiment = {
  name: "f_block_scales",
  title: "F. Does OCP's scale of MX blocks bias what it rounds?",
  claim:
    "MX training can diverge. Quantized LayerNorm gains bias the gradient (Su). The OCP specification's rounding of block " +
    "scales can cause divergence, and scales rounded up prevent it (Mishra).",
  source:
    "Su et al. 2025, Characterization and Mitigation of Training Instabilities in Microscaling Formats (arXiv:2506.20752); " +
    "Mishra et al. 2025, Recipes for Pre-training LLMs with MXFP8 (arXiv:2506.08027)",
  prediction:
    "Blocks of 32 gains in [0.9, 1), five random draws: floor scales shrink them by more than 5 %, and ceil scales change " +
    "them by less than 1 %. Gradients at trained weights with MXFP8 in the blocks' linear layers (5 seeds, 16 batches): the " +
    "relative error with floor scales is more than 1.3 times that with ceil scales, and the paired 95 % interval of the " +
    "difference lies above 0. In 200 steps neither diverges: both gaps to float32 are within 0.01 nats, with their 95 % " +
    "intervals. A pilot with one seed gave errors of 0.064 and 0.038 in the forward product.",
  sweeps: (size) => trainingSweep(size, { precisions: PRECISIONS, seeds: 5, evalBytes: 65536 }),
  conclude: async (findings) => {
    const draws = [1, 2, 3, 4, 5];
    const [floorGains, ceilGains] = [
      estimate(draws.map((seed) => shrinkage("mx", seed))),
      estimate(draws.map((seed) => shrinkage("mx-ceil", seed))),
    ];
    const isShrunk = floorGains.mean < -0.05 && Math.abs(ceilGains.mean) < 0.01;
    const K = findings.size === "full" ? 16 : 2;
    const errors = await gradientErrors(findings, { precisions: PRECISIONS, K });
    const means = meansOf(errors, ({ error }) => error);
    const worse = gradientDifference(errors, { base: "ceil", other: "floor" }, ({ error }) => error);
    const ratio = means["floor"]!.mean / means["ceil"]!.mean;
    const gains = [
      { scale: "floor", ...fields(floorGains) },
      { scale: "ceil", ...fields(ceilGains) },
    ].map(({ gap, ...rest }) => ({ ...rest, change: gap }));
    const measured = {
      reason: `relative change of gains: floor ${inWords(floorGains)}, ceil ${inWords(ceilGains)}; ` +
        `relative gradient error: ${listed(means)} (${ratio.toFixed(2)} times)`,
      directionHolds: isShrunk && ratio > 1,
      tables: { gains, gradients: gradientTable(errors) },
    };
    return concludeTraining(findings, PRECISIONS, measured, (gaps) => ({
      parts: {
        "gains": isShrunk,
        "gradient error": ratio > 1.3 && isAbove(worse),
        "training within 0.01": Object.values(gaps).every(({ mean, half }) =>
          Math.abs(mean) + (half ?? Infinity) <= TOLERANCE
        ),
      },
    }));
  },
};

export default experiment;
