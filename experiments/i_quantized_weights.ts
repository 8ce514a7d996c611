/** Experiment I: quantization of weights after training, by the amount of training. */
import { join } from "node:path";
import { type Estimate, estimate } from "../lib/analysis/mod.ts";
import { evaluateModel } from "../lib/study/evaluate_model.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import { concludeParts, fields, inWords, isAbove, SMALL_MODEL } from "./_runs.ts";

const FORMAT = "mxfp4", PARTS = ["weights", "weights and inputs"] as const;
const STEPS = [100, 400, 1600], QUICK_STEPS = [20, 300];

/** Validation targets of an evaluation. */
const TARGETS = 65536, QUICK_TARGETS = 4096;

const experiment: Experiment = {
  name: "i_quantized_weights",
  title: "I. Does quantization after training cost more after more tokens?",
  claim: "The degradation by post-training quantization increases as models are trained on more data.",
  source: "Kumar et al. 2024, Scaling Laws for Precision (arXiv:2411.04330)",
  prediction:
    "Models trained in float32 on 77, 307 and 1,229 thousand tokens (100, 400 and 1,600 steps, 3 seeds), each with a complete " +
    "learning-rate schedule. The weights of the blocks' linear layers, or weights and inputs, are then rounded to MXFP4. In " +
    "both cases the increase of the validation loss is larger after 16 times the tokens than after 1 time and after 4 times, " +
    "each with the paired 95 % interval of the difference above 0. A pilot of 400 steps with two seeds gave increases of " +
    "0.002 and 0.000 nats for weights, and 0.007 and 0.006 for weights and inputs.",
  sweeps: (size) => ({
    training: {
      spec: {
        ...SMALL_MODEL,
        policy: ["float32"],
        axes: { steps: size === "full" ? STEPS : QUICK_STEPS },
        seeds: size === "full" ? [1, 2, 3] : [1],
        lr: 2e-3,
        warmupSteps: 10,
        evalEvery: 1_000_000,
        evalBytes: 4096,
      },
    },
  }),
  conclude: async ({ size, runs: { training: runs = [] }, folders }) => {
    const isFull = size === "full", steps = isFull ? STEPS : QUICK_STEPS;
    const measured: { part: string; steps: number; seed: number; loss: number; gap: number }[] = [];
    for (const { manifest: { runId, spec } } of runs) {
      for (const part of PARTS) {
        const { loss, quantized } = await evaluateModel(join(folders["training"]!, "runs", runId), {
          quantize: { format: FORMAT, activations: part === "weights and inputs" },
          maxTokens: isFull ? TARGETS : QUICK_TARGETS,
          policy: "off",
        });
        measured.push({ part, steps: spec.steps, seed: spec.seed, loss, gap: quantized!.loss - loss });
      }
    }
    const gapOf = (part: string, count: number) =>
      measured.filter((one) => one.part === part && one.steps === count).sort((a, b) => a.seed - b.seed)
        .map((
          { gap },
        ) => gap);
    const growth = (part: string, from: number): Estimate => {
      const base = gapOf(part, from);
      return estimate(gapOf(part, steps.at(-1)!).map((gap, i) => gap - base[i]!));
    };
    const rows = PARTS.flatMap((part) =>
      steps.map((count) => ({
        part,
        steps: count,
        tokens: count * SMALL_MODEL.tokensPerStep,
        ...fields(estimate(gapOf(part, count))),
      }))
    );
    const figures = PARTS.map((part) =>
      `${part} ${
        steps.map((count) => `${inWords(estimate(gapOf(part, count)))} (${count} steps)`).join(", ")
      }`
    ).join("; ");
    const reason = `increase of the validation loss by quantization, nats: ${figures}`;
    // In short runs, the increase by weights alone is smaller than its variation over seeds.
    const directionHolds = growth("weights and inputs", steps[0]!).mean > 0;
    const tables = { gaps: rows, runs: measured };
    if (!isFull) return { verdict: "not decidable at this scale", reason, directionHolds, tables };
    const { verdict, sentence } = concludeParts(Object.fromEntries(
      PARTS.flatMap((part) => [
        [`${part}, above 1 time`, isAbove(growth(part, STEPS[0]!))],
        [`${part}, above 4 times`, isAbove(growth(part, STEPS[1]!))],
      ]),
    ));
    return { verdict, reason: `${reason}. ${sentence}`, directionHolds, tables };
  },
};

export default experiment;
