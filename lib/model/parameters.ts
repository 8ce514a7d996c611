/**
 * A GPT's parameters: names, shapes and GPT-2's initialisation, as plain arrays. No tensors.
 *
 * Names are those of Hugging Face's GPT-2. Matrices are [in, out].
 *
 * @module
 */
import { createRandom } from "../text/random.ts";
import { type GptConfig, validateGptConfig } from "./config.ts";

/** Plain values of one parameter. */
export interface ParameterValues {
  /** Shape, C order. */
  shape: number[];
  /** float32 values. */
  values: Float32Array<ArrayBuffer>;
}

/** Parameters by name, in a fixed order. */
export type ParameterRecord = Record<string, ParameterValues>;

/** The standard deviation of GPT-2's initial matrices. */
const INITIAL_STD = 0.02;

/** Shapes by name, in the order that optimizers and checkpoints keep. */
export function parameterShapes(config: GptConfig): Record<string, number[]> {
  validateGptConfig(config);
  const C = config.nEmbd;
  const shapes: Record<string, number[]> = {
    "wte.weight": [config.vocabSize, C],
    "wpe.weight": [config.blockSize, C],
  };
  const matrix = (name: string, rows: number, columns: number) => {
    shapes[`${name}.weight`] = [rows, columns];
    shapes[`${name}.bias`] = [columns];
  };
  const norm = (name: string) => {
    shapes[`${name}.weight`] = [C];
    shapes[`${name}.bias`] = [C];
  };
  for (let i = 0; i < config.nLayer; i++) {
    norm(`h.${i}.ln_1`);
    matrix(`h.${i}.attn.c_attn`, C, 3 * C);
    matrix(`h.${i}.attn.c_proj`, C, C);
    norm(`h.${i}.ln_2`);
    matrix(`h.${i}.mlp.c_fc`, C, 4 * C);
    matrix(`h.${i}.mlp.c_proj`, 4 * C, C);
  }
  norm("ln_f");
  return shapes;
}

/**
 * GPT-2's initialisation: matrices and embeddings normal with standard deviation 0.02, those that write to the
 * residual stream divided by sqrt(2 L), biases 0, gains 1. Each parameter draws from a stream of its own name, so that
 * one more layer changes no other parameter.
 *
 * @param config Sizes.
 * @param seed Seed of the streams.
 */
export function initialParameters(config: GptConfig, seed: number): ParameterRecord {
  const residual = INITIAL_STD / Math.sqrt(2 * config.nLayer);
  return Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => {
      const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
      if (shape.length === 1) values.fill(name.endsWith(".weight") ? 1 : 0);
      else {
        createRandom(seed, `init/${name}`).fillNormal(values, {
          mean: 0,
          std: name.endsWith("c_proj.weight") ? residual : INITIAL_STD,
        });
      }
      return [name, { shape, values }];
    }),
  );
}

/** How many numbers a model has, the tied head counted once. */
export function parameterCount(config: GptConfig): number {
  return Object.values(parameterShapes(config)).reduce(
    (total, shape) => total + shape.reduce((product, size) => product * size, 1),
    0,
  );
}
