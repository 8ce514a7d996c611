/**
 * A GPT's parameters: names, shapes and GPT-2's initialisation, as plain arrays. No tensors.
 *
 * Names are those of Hugging Face's GPT-2, and in its manner where GPT-2 has none. Matrices are [in, out], but for the
 * untied head, which is [V, C] as the table of token embeddings is.
 *
 * @module
 */
import { createRandom } from "../text/random.ts";
import type { StoredDtype } from "./_stored_numbers.ts";
import { completeConfig, feedForwardWidth, type GptConfig, validateGptConfig } from "./config.ts";

/** Plain values of one parameter. */
export interface ParameterValues {
  /** Shape, C order. */
  shape: number[];
  /** float32 values. */
  values: Float32Array<ArrayBuffer>;
  /** How a file holds them, each rounded to the nearest: `F32` (default), `BF16` or `F16`. */
  dtype?: StoredDtype;
}

/** Parameters by name, in a fixed order. */
export type ParameterRecord = Record<string, ParameterValues>;

/**
 * Shapes by name, in the order that optimizers and checkpoints keep.
 *
 * @throws {RangeError} when the config does not hold, as {@linkcode validateGptConfig} says.
 */
export function parameterShapes(config: GptConfig): Record<string, number[]> {
  validateGptConfig(config);
  const { nEmbd: C, bias, qkNorm, tiedHead, activation } = completeConfig(config);
  const shapes: Record<string, number[]> = {
    "wte.weight": [config.vocabSize, C],
    "wpe.weight": [config.blockSize, C],
  };
  const matrix = (name: string, rows: number, columns: number) => {
    shapes[`${name}.weight`] = [rows, columns];
    if (bias) shapes[`${name}.bias`] = [columns];
  };
  const norm = (name: string) => {
    shapes[`${name}.weight`] = [C];
    if (bias) shapes[`${name}.bias`] = [C];
  };
  const F = feedForwardWidth(config);
  for (let i = 0; i < config.nLayer; i++) {
    norm(`h.${i}.ln_1`);
    matrix(`h.${i}.attn.c_attn`, C, 3 * C);
    if (qkNorm) {
      for (const name of ["q_norm", "k_norm"]) shapes[`h.${i}.attn.${name}.weight`] = [C / config.nHead];
    }
    matrix(`h.${i}.attn.c_proj`, C, C);
    norm(`h.${i}.ln_2`);
    matrix(`h.${i}.mlp.c_fc`, C, activation === "swiglu" ? 2 * F : F);
    matrix(`h.${i}.mlp.c_proj`, F, C);
  }
  norm("ln_f");
  if (!tiedHead) shapes["lm_head.weight"] = [config.vocabSize, C];
  return shapes;
}

/**
 * GPT-2's initialisation: matrices and embeddings normal with standard deviation `initStd`, those that write to the
 * residual stream divided by sqrt(2 L), biases 0, gains 1. Each parameter draws from a stream of its own name, so that
 * one more layer or option changes no other parameter.
 *
 * @param config Sizes and options.
 * @param seed Seed of the streams.
 */
export function initialParameters(config: GptConfig, seed: number): ParameterRecord {
  const { initStd } = completeConfig(config);
  const residual = initStd / Math.sqrt(2 * config.nLayer);
  return Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => {
      const values = new Float32Array(sizeOf(shape));
      if (shape.length === 1) values.fill(name.endsWith(".weight") ? 1 : 0);
      else {
        createRandom(seed, `init/${name}`).fillNormal(values, {
          mean: 0,
          std: name.endsWith("c_proj.weight") ? residual : initStd,
        });
      }
      return [name, { shape, values }];
    }),
  );
}

/** How many numbers a tensor of a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** How many numbers a model has, a tied head counted once. */
export function parameterCount(config: GptConfig): number {
  return Object.values(parameterShapes(config)).reduce((total, shape) => total + sizeOf(shape), 0);
}
