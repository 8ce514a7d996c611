/** Experiment K: number format of Muon's Newton-Schulz iterations. */
import * as tf from "@tensorflow/tfjs";
import { estimate } from "../lib/analysis/mod.ts";
import type { RecordedRun } from "../lib/record/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import { lossAndGradients } from "../lib/train/gradients.ts";
import { newtonSchulz, splitForMuon } from "../lib/train/muon.ts";
import { trainedModels } from "./_precisions.ts";
import {
  concludeParts,
  fields,
  highest,
  inWords,
  lowest,
  pairedGap,
  SMALL_MODEL,
  validationLoss,
} from "./_runs.ts";

const FORMATS = ["float32", "bf16"] as const;

/** Number of cubic iterations, after Newton-Schulz, to the orthogonal factor. */
const EXACT_STEPS = 12;

const hasFormat = (format: string) => ({ manifest }: RecordedRun) => manifest.spec.nsDtype === format;

/** Returns the sum of squares of a tensor. */
const squares = (x: tf.Tensor) => tf.sum(tf.square(x)).dataSync()[0]!;

/** Refines an almost orthogonal matrix [m, n] to the nearest orthogonal one: x ← 3/2 x − 1/2 x xᵀ x. */
function orthogonalFactor(matrix: tf.Tensor): tf.Tensor {
  const [m, n] = matrix.shape as [number, number];
  let x = m > n ? tf.transpose(matrix) : matrix;
  for (let i = 0; i < EXACT_STEPS; i++) {
    const cube = tf.matMul(tf.matMul(x, x, false, true), x);
    x = tf.sub(tf.mul(x, 1.5), tf.mul(cube, 0.5));
  }
  return m > n ? tf.transpose(x) : x;
}

/** Errors of updates, relative to the update in float32. */
interface UpdateErrors {
  /** Difference between bf16's update and float32's. */
  readonly format: number;
  /** Difference between the orthogonal factor and float32's update. */
  readonly iterations: number;
}

/** Measures the updates of all matrices for their gradients. */
function updateErrors(gradients: Readonly<Record<string, tf.Tensor>>): UpdateErrors {
  let format = 0, iterations = 0, whole = 0;
  for (const gradient of Object.values(splitForMuon(gradients, ({ shape }) => shape).matrices)) {
    tf.tidy(() => {
      const update = newtonSchulz(gradient, "float32");
      format += squares(tf.sub(newtonSchulz(gradient, "bf16"), update));
      iterations += squares(tf.sub(orthogonalFactor(update), update));
      whole += squares(update);
    });
  }
  return { format: Math.sqrt(format / whole), iterations: Math.sqrt(iterations / whole) };
}

const experiment: Experiment = {
  name: "k_newton_schulz",
  title: "K. Can Muon's Newton-Schulz iterations run in bfloat16?",
  claim:
    "Muon replaces the momentum of a matrix by the nearest orthogonal matrix, found by Newton-Schulz iterations, which can be " +
    "run stably in bfloat16.",
  source: "Jordan et al. 2024, Muon: An optimizer for hidden layers in neural networks " +
    "(github.com/KellerJordan/Muon, muon.py)",
  prediction:
    "Gradients at trained weights (5 seeds, 400 steps with Muon): bf16 changes Muon's updates by more than 0.5 %, but by less " +
    "than half of what separates them from the exact orthogonal matrix, since five iterations leave small singular values " +
    "below 1. Both hold with the 95 % interval of bf16's change. The gap of the final validation loss to float32 iterations " +
    "lies within 0.01 nats, with its 95 % interval. A pilot with one seed gave changes of 7 % and 29 %, and a gap of +0.003 nats.",
  sweeps: (size) => ({
    training: {
      spec: {
        ...SMALL_MODEL,
        policy: ["float32"],
        axes: { nsDtype: FORMATS },
        seeds: size === "full" ? [1, 2, 3, 4, 5] : [1],
        steps: size === "full" ? 400 : 20,
        optimizer: "muon",
        lr: 2e-3,
        warmupSteps: 10,
        evalEvery: 1_000_000,
        evalBytes: size === "full" ? "all" : 4096,
      },
    },
  }),
  conclude: async ({ size, runs, folders }) => {
    const training = runs["training"]!, [base, other] = FORMATS.map(hasFormat);
    const measured: Record<"seed" | keyof UpdateErrors, number>[] = [];
    for await (
      const { spec, config, weights, batchOf } of trainedModels({
        size,
        runs: { training: training.filter(base!) },
        folders,
      })
    ) {
      const batch = batchOf(spec.B, 0);
      const { loss, gradients, amax } = lossAndGradients(weights, batch, {
        model: config,
        policy: "float32",
      });
      measured.push({ seed: spec.seed, ...updateErrors(gradients) });
      tf.dispose([loss, gradients, amax, batch.x, batch.y, weights]);
    }
    const [format, iterations] = (["format", "iterations"] as const).map((name) =>
      estimate(measured.map((one) => one[name]))
    );
    const gap = pairedGap(training, { base: base!, other: other! });
    const reason =
      `difference of updates relative to float32's: bf16 ${inWords(format!)}, orthogonal factor ` +
      `${inWords(iterations!)}; gap of bf16 in nats: ${inWords(gap)}`;
    const tables = {
      updates: measured,
      training: [{ nsDtype: "bf16", ...fields(gap) }],
      runs: training.map((run) => ({
        nsDtype: run.manifest.spec.nsDtype,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
      })),
    };
    const directionHolds = format!.mean < iterations!.mean;
    if (size === "quick") return { verdict: "not decidable at this scale", reason, directionHolds, tables };
    const { verdict, sentence } = concludeParts({
      "difference of updates": lowest(format!) > 0.005 && highest(format!) < iterations!.mean / 2,
      "gap in training within 0.01": Math.max(-lowest(gap), highest(gap)) < 0.01,
    });
    return { verdict, reason: `${reason}. ${sentence}`, directionHolds, tables };
  },
};

export default experiment;
