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

/** A run and V, the input of a program that trains some of its steps. */
export interface Sample {
  /** The run. */
  readonly run: RunSpec;
  /** V. */
  readonly vocabSize: number;
}

/** Returns options of `train` with the run's model, loss and optimizer, and random tokens. They save no best weights. */
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
