/** Experiment G: rounding of FP4 gradients. */
import type { Experiment } from "../lib/sweep/mod.ts";
import {
  concludeTraining,
  gapDifference,
  gradientDifference,
  gradientErrors,
  gradientTable,
  listed,
  meansOf,
  precision,
  trainingSweep,
} from "./_precisions.ts";
import { inWords, isAbove } from "./_runs.ts";

/** Returns bf16-autocast with both products of the backward pass in MXFP4. Scales are rounded up, so that no value saturates. */
const backward = (format: string) =>
  precision("bf16-autocast", `linear.dgrad+linear.wgrad@h.0+h.1=${format}/mx-ceil`);

const PRECISIONS = { nearest: backward("e2m1fn"), stochastic: backward("e2m1fn-stochastic") };

const experiment: Experiment = {
  name: "g_gradient_rounding",
  title: "G. Must FP4 gradients be rounded stochastically?",
  claim:
    "MXFP4 instead of BF16 degrades training. Unbiased gradients from stochastic rounding in the backward pass make it " +
    "nearly lossless.",
  source:
    "Tseng et al. 2025, Training LLMs with MXFP4 (arXiv:2502.20586); Chmiel et al. 2025, FP4 All the Way (arXiv:2505.19115)",
  prediction:
    "MXFP4 in the backward products of the blocks' linear layers, all else in bf16-autocast. Gradients at trained weights (3 " +
    "seeds, 16 batches): the bias with stochastic rounding is less than a third of that with rounding to nearest, with the " +
    "paired 95 % interval of the difference above 0, although the error of a single batch is larger. After 200 steps (3 " +
    "seeds), the gap of stochastic rounding to float32 is less than half of nearest's, with the paired 95 % interval of " +
    "the difference above 0. A pilot with one seed gave biases of 0.108 (nearest) and 0.000, and errors of 0.125 and 0.159. " +
    "Training was not piloted.",
  sweeps: (size) => trainingSweep(size, { precisions: PRECISIONS, seeds: 3 }),
  conclude: async (findings) => {
    const K = findings.size === "full" ? 16 : 6;
    const errors = await gradientErrors(findings, { precisions: PRECISIONS, K });
    const [bias, error] = [meansOf(errors, (one) => one.bias), meansOf(errors, (one) => one.error)];
    const lower = gradientDifference(errors, { base: "stochastic", other: "nearest" }, (one) => one.bias);
    const measured = {
      reason: `bias of the gradient: ${listed(bias)}; relative error: ${listed(error)}`,
      directionHolds: bias["stochastic"]!.mean < bias["nearest"]!.mean,
      tables: { gradients: gradientTable(errors) },
    };
    return concludeTraining(findings, PRECISIONS, measured, (gaps, runs) => {
      const closed = gapDifference(runs, { base: PRECISIONS.stochastic, other: PRECISIONS.nearest });
      return {
        text: `nearest minus stochastic ${inWords(closed)}`,
        parts: {
          "bias": isAbove(lower) && bias["stochastic"]!.mean < bias["nearest"]!.mean / 3,
          "larger error of a batch": error["stochastic"]!.mean > error["nearest"]!.mean,
          "gap in training": isAbove(closed) && gaps["stochastic"]!.mean < gaps["nearest"]!.mean / 2,
        },
      };
    });
  },
};

export default experiment;
