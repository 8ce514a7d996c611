/**
 * A GPT's parameters: names, shapes and GPT-2's initialization, as plain arrays.
 *
 * Names are those of Hugging Face's GPT-2, also for a LLaMA. Parameters that GPT-2 does not have follow the same
 * scheme. Matrices are [in, out]. An untied output head is [V, C], like the table of token embeddings.
 *
 * @module
 */
import { createRandom } from "../text/random.ts";
import type { StoredDtype } from "./_stored_numbers.ts";
import { definitionsOf } from "./architecture.ts";
import { completeConfig, type GptConfig, validateGptConfig } from "./config.ts";
import { type Perturbation, perturbParameters } from "./perturb.ts";

/** Values of one parameter. */
export interface ParameterValues {
  /** Shape of the parameter. Values are in row-major order. */
  shape: number[];
  /** Values, float32. */
  values: Float32Array<ArrayBuffer>;
  /**
   * Type in which files store the values: `F32`, `BF16` or `F16`. Each value is rounded to nearest when the file is
   * written. Default: `F32`.
   */
  dtype?: StoredDtype;
}

/** Parameters by name, in a fixed order. */
export type ParameterRecord = Record<string, ParameterValues>;

/**
 * Returns the shapes of all parameters by name, in the order of optimizers and checkpoints.
 *
 * @throws {RangeError} If the config is invalid, as {@linkcode validateGptConfig} describes.
 */
export function parameterShapes(config: GptConfig): Record<string, number[]> {
  validateGptConfig(config);
  const full = completeConfig(config);
  if (full.architecture !== undefined) {
    return Object.fromEntries(
      Object.entries(definitionsOf(full.architecture, full)).map(([name, { shape }]) => [name, [...shape]]),
    );
  }
  const { nEmbd: C, nInner: F, nHead, nKvHead, bias, qkNorm, tiedHead, activation } = full;
  const D = C / nHead;
  const shapes: Record<string, number[]> = { "wte.weight": [config.vocabSize, C] };
  if (full.position === "learned") shapes["wpe.weight"] = [config.blockSize, C];
  const matrix = (name: string, rows: number, columns: number) => {
    shapes[`${name}.weight`] = [rows, columns];
    if (bias) shapes[`${name}.bias`] = [columns];
  };
  const norm = (name: string) => {
    shapes[`${name}.weight`] = [C];
    if (bias && full.norm === "layerNorm") shapes[`${name}.bias`] = [C];
  };
  for (let i = 0; i < config.nLayer; i++) {
    norm(`h.${i}.ln_1`);
    matrix(`h.${i}.attn.c_attn`, C, C + 2 * nKvHead * D); // queries, keys, values
    if (qkNorm) {
      for (const name of ["q_norm", "k_norm"]) shapes[`h.${i}.attn.${name}.weight`] = [D];
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
 * Returns random initial parameters, as in GPT-2. Matrices and embeddings are normal with standard deviation `initStd`.
 * Matrices that write to the residual stream have `initStd` / sqrt(2 L), with L blocks. Biases are 0 and gains are 1. A
 * user's architecture defines its own initial values.
 *
 * Each parameter draws from a random stream of its own, named after the parameter. A further layer or option therefore
 * changes no other parameter.
 *
 * @param config Sizes and options of the model.
 * @param seed Seed of the random streams.
 * @param changes Seeds of changes that keep the function of the model, except for rounding. Default: none.
 */
export function initialParameters(
  config: GptConfig,
  seed: number,
  { perturb = 0, reorder = 0 }: { [K in keyof Perturbation]?: number | undefined } = {},
): ParameterRecord {
  const full = completeConfig(config), { initStd, architecture } = full;
  const residual = initStd / Math.sqrt(2 * config.nLayer);
  const definitions = architecture === undefined ? undefined : definitionsOf(architecture, full);
  const parameters: ParameterRecord = Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => {
      const values = new Float32Array(sizeOf(shape));
      const own = definitions?.[name];
      const builtIn = own === undefined && name.endsWith("c_proj.weight") ? residual : initStd;
      if (own?.fill !== undefined) values.fill(own.fill);
      else if (shape.length === 1 && own?.std === undefined) values.fill(name.endsWith(".weight") ? 1 : 0);
      else createRandom(seed, `init/${name}`).fillNormal(values, { mean: 0, std: own?.std ?? builtIn });
      return [name, { shape, values }];
    }),
  );
  perturbParameters(parameters, { seed, perturb, reorder });
  return parameters;
}

/** Returns the number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Returns the number of elements of all parameters. A tied head counts once. */
export function parameterCount(config: GptConfig): number {
  return Object.values(parameterShapes(config)).reduce((total, shape) => total + sizeOf(shape), 0);
}
