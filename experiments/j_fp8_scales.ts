/** Experiment J: scale factors of FP8 training. */
import * as tf from "@tensorflow/tfjs";
import { estimate } from "../lib/analysis/mod.ts";
import type { GptConfig, Parameters } from "../lib/model/mod.ts";
import type { PolicyName } from "../lib/precision/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import { lossAndGradients } from "../lib/train/gradients.ts";
import { concludeTraining, precision, trainedModels, trainingSweep } from "./_precisions.ts";
import { highest, lowest, SMALL_MODEL } from "./_runs.ts";

const PRECISIONS = {
  "no scale": precision("emulated:e4m3fn"),
  "scale per tensor": precision("emulated:e4m3fn/tensor"),
};

/** A way of scaling: a policy, and whether the objective is the sum of the losses of all tokens instead of their mean. */
const WAYS: Readonly<Record<string, { policy: PolicyName; isSum?: boolean }>> = {
  "no scale": { policy: "emulated:e4m3fn" },
  "sum of losses": { policy: "emulated:e4m3fn", isSum: true },
  "scale per tensor": { policy: "emulated:e4m3fn/tensor" },
};

/** Sequences of 64 tokens in a batch. */
const BATCHES = [1, 12, 64], QUICK_BATCHES = [1, 12];

/**
 * Returns the cosine between all gradients of a batch in float32 and in each way, by way. It is 0 if every gradient
 * underflows.
 */
function cosinesOf(
  weights: Parameters,
  batch: { x: tf.Tensor2D; y: tf.Tensor2D },
  model: GptConfig,
): Record<string, number> {
  const flat = ({ policy, isSum = false }: { policy: PolicyName; isSum?: boolean }) => {
    const lossScale = isSum ? { lossScale: tf.scalar(batch.x.size) } : {};
    const { gradients } = lossAndGradients(weights, { ...batch, ...lossScale }, { policy, model });
    return tf.concat(Object.values(gradients).map((gradient) => tf.reshape(gradient, [-1])));
  };
  const cosines: Record<string, number> = {};
  tf.tidy(() => {
    const exact = flat({ policy: "float32" });
    const dot = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(a, b)).dataSync()[0]!;
    for (const [name, way] of Object.entries(WAYS)) {
      const found = flat(way);
      const product = dot(found, exact);
      cosines[name] = product === 0 ? 0 : product / Math.sqrt(dot(found, found) * dot(exact, exact));
    }
  });
  return cosines;
}

const experiment: Experiment = {
  name: "j_fp8_scales",
  title: "J. Does FP8 training need scale factors, and must they follow the data?",
  claim:
    "Training in FP8 needs tuned hyperparameters or dynamic scale factors, unless the scales of all tensors are right by " +
    "construction. Then constant factors suffice.",
  source: "Narayan et al. 2025, µnit Scaling: Simple and Scalable FP8 LLM Training (arXiv:2502.05967)",
  prediction:
    "Gradients at trained weights with E4M3 (largest value 448) in products, softmax and GELU (5 seeds). Without scale " +
    "factors, the cosine to float32 falls with the batch, to below 0.5 at 4,096 tokens. With a scale per tensor it is above " +
    "0.95 at 64, 768 and 4,096 tokens. With one constant factor, the sum of the losses instead of their mean, it is above " +
    "0.9 at all three. Each with its 95 % interval. After 200 steps (5 seeds), the gap to float32 without scales is above " +
    "0.2 nats, and with a scale per tensor it is below 0.05, each with its 95 % interval. Earlier measurements of an IEEE-style e4m3 " +
    "(largest value 240) gave 0.71, 0.17 and 0.00 without scales, and 0.98 at 768 tokens with the loss times 1,024.",
  sweeps: (size) => trainingSweep(size, { precisions: PRECISIONS, seeds: 5 }),
  conclude: async (findings) => {
    const sizes = findings.size === "full" ? BATCHES : QUICK_BATCHES;
    const found: { way: string; tokens: number; seed: number; cosine: number }[] = [];
    for await (const { spec, config, weights, batchOf } of trainedModels(findings)) {
      for (const batchSize of sizes) {
        const batch = batchOf(batchSize, 0);
        for (const [way, cosine] of Object.entries(cosinesOf(weights, batch, config))) {
          found.push({ way, tokens: batchSize * spec.T, seed: spec.seed, cosine });
        }
        tf.dispose([batch.x, batch.y]);
      }
      tf.dispose(weights);
    }
    const cosineAt = (way: string, batchSize: number) =>
      estimate(
        found.filter((one) => one.way === way && one.tokens === batchSize * SMALL_MODEL.seq[0]).map((
          { cosine },
        ) => cosine),
      );
    const rows = Object.keys(WAYS).flatMap((way) =>
      sizes.map((batchSize) => {
        const { mean, half, n } = cosineAt(way, batchSize);
        return { way, tokens: batchSize * SMALL_MODEL.seq[0], cosine: mean, half: half ?? null, n };
      })
    );
    const last = sizes.at(-1)!;
    const measured = {
      reason: `cosine to float32's gradient (0 if all of it underflows): ${
        rows.map(({ way, tokens, cosine }) => `${way}, ${tokens} tokens ${cosine.toFixed(3)}`).join("; ")
      }`,
      directionHolds: cosineAt("no scale", last).mean < cosineAt("scale per tensor", last).mean,
      tables: { cosines: rows },
    };
    return concludeTraining(findings, PRECISIONS, measured, (gaps) => ({
      parts: {
        "no scale, below 0.5 at 4,096 tokens": highest(cosineAt("no scale", last)) < 0.5,
        "scale per tensor, above 0.95": sizes.every((one) =>
          lowest(cosineAt("scale per tensor", one)) > 0.95
        ),
        "sum of losses, above 0.9": sizes.every((one) => lowest(cosineAt("sum of losses", one)) > 0.9),
        "gap without scales above 0.2": lowest(gaps["no scale"]!) > 0.2,
        "gap with scales below 0.05": highest(gaps["scale per tensor"]!) < 0.05,
      },
    }));
  },
};

export default experiment;
