/** Experiment D: attention in bfloat16 over sequence length, and biased rounding. */
import * as tf from "@tensorflow/tfjs";
import type { Experiment } from "../lib/sweep/mod.ts";
import {
  attentionScores,
  attentionSums,
  autocast,
  causalSoftmax,
  statelessNormal,
  toFloat32,
  useTensorFlow,
} from "../lib/tensorflow/mod.ts";
import { fields, hasPolicy, inWords, pairedGap, SMALL_MODEL, validationLoss } from "./_runs.ts";

const FORMATS = ["bfloat16", "e8m7-truncate"] as const, TRUNCATED = "emulated:e8m7-truncate";

/** Returns the error of attention in a format relative to float32, for random queries, keys and values (H = 4, D = 64). */
function deviation(
  T: number,
  format: string,
): { format: string; T: number; rms: number; largest: number; bias: number } {
  return tf.tidy(() => {
    const [q, k, v] = [1, 2, 3].map((n) => statelessNormal([1, 4, T, 64], tf.tensor1d([n, T], "int32")));
    const attend = () => {
      const weights = causalSoftmax(attentionScores(q!, k!), 1 / 8);
      return toFloat32(attentionSums(weights, v!));
    };
    const exact = attend();
    const overrides = [{ opClasses: ["attention" as const, "softmax" as const], format }];
    const error = tf.sub(autocast({ policy: "float32", overrides }, attend), exact);
    const size = tf.sum(tf.square(exact));
    const number = (x: tf.Tensor) => x.dataSync()[0]!;
    return {
      format,
      T,
      rms: Math.sqrt(number(tf.div(tf.sum(tf.square(error)), size))),
      largest: number(tf.max(tf.abs(error))),
      // Relative error along the exact output. Negative: outputs shrink.
      bias: number(tf.div(tf.sum(tf.mul(error, exact)), size)),
    };
  });
}

const experiment: Experiment = {
  name: "d_attention",
  title: "D. Does attention in bfloat16 get worse with T, and is biased rounding worse than nearest?",
  claim:
    "The deviation of attention in bfloat16 grows with the sequence length; and where training fails in low " +
    "precision, biased rounding errors that add up are the cause, which unbiased rounding does not have.",
  source:
    "Golden et al. 2024, Is Flash Attention Stable? (arXiv:2405.02803); Qiu & Yao 2025, Why Low-Precision " +
    "Transformer Training Fails (arXiv:2510.04212)",
  prediction:
    "On random inputs the relative RMS deviation from float32 is more than 1.5 times as large at T 1024 as at " +
    "T 64; truncation shrinks outputs (a bias below -1e-3, at least 5 times nearest's in size) at every T. In training, " +
    "nearest rounding (bf16-autocast) stays within 0.005 nats of float32, while truncation (emulated, and oneDNN turned " +
    "off) ends at least 3 times as far from it.",
  sweeps: (size) => {
    const spec = {
      ...SMALL_MODEL,
      seeds: size === "full" ? [1, 2, 3] : [1],
      steps: size === "full" ? 200 : 20,
      warmupSteps: 10,
      evalEvery: 1_000_000,
      evalTokens: size === "full" ? 32768 : 4096,
    };
    return {
      nearest: { spec: { ...spec, policy: ["float32", "bf16-autocast", TRUNCATED] } },
      // Without oneDNN, TensorFlow's bfloat16 products truncate.
      ...(size === "full" && {
        withoutOneDnn: {
          spec: { ...spec, policy: ["float32", "bf16-autocast"] },
          variables: { TF_ENABLE_ONEDNN_OPTS: "0" },
        },
      }),
    };
  },
  conclude: async ({ size, runs: { nearest = [], withoutOneDnn = [] } }) => {
    await useTensorFlow();
    const lengths = size === "full" ? [64, 128, 256, 512, 1024] : [64, 256];
    const deviations = FORMATS.flatMap((format) => lengths.map((T) => deviation(T, format)));
    const of = (format: string) => deviations.filter((row) => row.format === format);
    const [first, last] = [of("bfloat16")[0]!, of("bfloat16").at(-1)!];
    const grows = last.rms > 1.5 * first.rms;
    const biased = lengths.every((_, i) => {
      const [rounded, truncated] = [of("bfloat16")[i]!, of("e8m7-truncate")[i]!];
      return truncated.bias < -1e-3 && Math.abs(truncated.bias) > 5 * Math.abs(rounded.bias);
    });
    const gap = (runs: typeof nearest, policy: string) =>
      pairedGap(runs, { base: hasPolicy("float32"), other: hasPolicy(policy) });
    const rounded = gap(nearest, "bf16-autocast"), truncated = gap(nearest, TRUNCATED);
    const real = withoutOneDnn.length === 0 ? undefined : gap(withoutOneDnn, "bf16-autocast");
    const rounding = withoutOneDnn[0]?.manifest.environment.rounding;
    const tables = {
      deviations,
      training: [
        { rounding: "nearest", policy: "bf16-autocast", ...fields(rounded) },
        { rounding: "truncate (emulated)", policy: TRUNCATED, ...fields(truncated) },
        ...(real === undefined
          ? []
          : [{ rounding: `${rounding} (without oneDNN)`, policy: "bf16-autocast", ...fields(real) }]),
      ],
      runs: [...nearest, ...withoutOneDnn].map((run) => ({
        policy: run.manifest.spec.policy,
        rounding: run.manifest.environment.rounding,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
      })),
    };
    const percent = (x: number) => `${(100 * x).toFixed(3)} %`;
    const reason =
      `relative deviation at T ${first.T} ${percent(first.rms)}, at T ${last.T} ${percent(last.rms)}; bias ` +
      `${percent(last.bias)} nearest, ${
        percent(of("e8m7-truncate").at(-1)!.bias)
      } truncated; final loss minus ` +
      `float32's: nearest ${inWords(rounded)}, truncated (emulated) ${inWords(truncated)}` +
      (real === undefined ? "" : `, without oneDNN (rounds: ${rounding}) ${inWords(real)}`);
    if (size === "quick") {
      return { verdict: "not decidable at this scale", reason, directionHolds: biased, tables };
    }
    const close = Math.abs(rounded.mean) <= 0.005;
    const far = Math.abs(truncated.mean) >= 3 * Math.abs(rounded.mean) &&
      (real === undefined || Math.abs(real.mean) >= 3 * Math.abs(rounded.mean));
    const word = (holds: boolean) => holds ? "yes" : "no";
    return {
      verdict: grows && biased && close && far ? "reproduced" : "not reproduced",
      reason:
        `${reason}. Deviation grows with T: ${word(grows)}; truncation is biased, nearest is not: ${
          word(biased)
        }; ` +
        `nearest stays within 0.005 nats: ${word(close)}; truncation ends 3 times as far: ${word(far)}.`,
      directionHolds: biased,
      tables,
    };
  },
};

export default experiment;
