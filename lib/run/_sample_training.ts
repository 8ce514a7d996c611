/**
 * Training on random tokens, to measure or check a run's steps without its text.
 *
 * @module
 */
import type { RunSpec } from "../record/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import type { TrainOptions } from "../train/mod.ts";
import { modelOf } from "./model_of.ts";
import { ownOptions } from "./own_code.ts";

/** Input of a program that trains some steps of a run. */
export interface Sample {
  /** The run. */
  readonly run: RunSpec;
  /** Number of tokens in the vocabulary. */
  readonly vocabSize: number;
}

/** Returns options of `train` with the run's model, loss and optimizer, and with random tokens. `saveBest` is false. */
export function sampleTraining({ run, vocabSize }: Sample): TrainOptions {
  const { B, T } = run, random = createRandom(1, "measured tokens");
  const tokens = Int32Array.from({ length: (B + 1) * T + 2 }, () => random.integer(vocabSize));
  return {
    ...run,
    ...ownOptions(run),
    model: modelOf(run, vocabSize),
    policy: run.policy as PolicyName,
    patience: 0,
    saveBest: false,
    data: {
      train: tokens,
      validation: tokens,
      tokenizer: { byteLengths: new Int32Array(vocabSize).fill(1) },
    },
    batchSize: B,
    blockSize: T,
    evalBytes: "all",
    evalTokens: Math.min(B, 8) * T,
  };
}
