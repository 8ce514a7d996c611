/**
 * The model of a run, and its operations per step. Loads without TensorFlow, as reports do.
 *
 * @module
 */
import type { GptConfig } from "../model/config.ts";
import { flopsPerToken } from "../model/summary.ts";
import { MODEL_FIELDS } from "../options/model_fields.ts";
import type { RunSpec } from "../record/mod.ts";
import { isLoaded, ownArchitecture } from "./own_code.ts";

/**
 * Returns the model configuration of a run. A soft cap of 0 disables the cap.
 *
 * @param vocabSize Number of tokens.
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
 * Returns the floating-point operations of a training step. For the architecture of a module that this process has not loaded,
 * those of the built-in architecture with the same sizes.
 */
export function stepFlops(run: RunSpec, vocabSize: number): number {
  const known = isLoaded(run) ? run : { ...run, architecture: "gpt2" as const };
  return flopsPerToken(modelOf(known, vocabSize), run.T) * run.B * run.T;
}
