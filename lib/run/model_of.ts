/**
 * The model config of a run, and the floating-point operations of its steps. This module does not load TensorFlow.
 *
 * @module
 */
import type { GptConfig } from "../model/config.ts";
import { flopsPerToken } from "../model/summary.ts";
import { MODEL_FIELDS } from "../options/model_fields.ts";
import type { RunSpec } from "../record/mod.ts";
import { isLoaded, ownArchitecture } from "./own_code.ts";

/**
 * Returns the model config of a run.
 *
 * @param run The run's spec.
 * @param vocabSize Number of the tokenizer's tokens. The model's `vocabSize` is at least `padVocab`.
 */
export function modelOf(run: RunSpec, vocabSize: number): GptConfig {
  const options = Object.fromEntries(
    Object.keys(MODEL_FIELDS).map((name) => [name, run[name as keyof RunSpec]]),
  );
  return {
    ...options as Pick<RunSpec, keyof typeof MODEL_FIELDS>,
    logitSoftCap: run.logitSoftCap || undefined,
    attentionSoftCap: run.attentionSoftCap || undefined,
    vocabSize: Math.max(vocabSize, run.padVocab),
    blockSize: run.T,
    architecture: ownArchitecture(run),
  };
}

/**
 * Returns the number of floating-point operations of a training step. For a user-written architecture that this process
 * has not loaded, returns the number for the architecture `gpt2` with the same sizes.
 *
 * @param run The run's spec.
 * @param vocabSize Number of the tokenizer's tokens.
 */
export function stepFlops(run: RunSpec, vocabSize: number): number {
  const known = isLoaded(run) ? run : { ...run, architecture: "gpt2" as const };
  return flopsPerToken(modelOf(known, vocabSize), run.T) * run.B * run.T;
}
