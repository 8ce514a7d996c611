/**
 * GPT-2's architecture as plain functions over a record of parameters: pre-LayerNorm, learned positions, and the
 * options that a config names.
 *
 * Letters: B batch, T sequence length, C width, H heads, D = C / H, V vocabulary, N = B T.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { embedding, layerNorm, layerScope, linear, observe, operation, residual } from "../tensorflow/mod.ts";
import { activate, createDropout, softCap } from "./_pointwise.ts";
import { attention, cachePlaces, type KeyValueCache } from "./attention.ts";
import { type Activation, completeConfig, type GptConfig } from "./config.ts";
import type { ParameterRecord } from "./parameters.ts";

/** Parameters by name, as tensors. */
export type Parameters = Record<string, tf.Tensor>;

/** Makes tensors of plain parameters. The caller disposes of them. */
export function toParameters(record: ParameterRecord): Parameters {
  return Object.fromEntries(
    Object.entries(record).map(([name, { shape, values }]) => [name, tf.tensor(values, shape, "float32")]),
  );
}

/** Reads tensors back into plain parameters. */
export function fromParameters(parameters: Parameters): ParameterRecord {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [
      name,
      { shape: [...tensor.shape], values: Float32Array.from(tensor.dataSync()) },
    ]),
  );
}

/** What a pass through the model may be given besides tokens. */
export interface PassOptions {
  /**
   * Drops numbers as the config's `dropout` says: int32 [2], an argument of a compiled function. The same key drops the
   * same numbers; each place draws from a key folded from it. Without a key nothing is dropped.
   */
  readonly dropoutKey?: tf.Tensor | undefined;
  /**
   * Keys and values of the tokens before these. Its tensors are replaced by those that hold these tokens too; the
   * caller owns old and new. No gradient passes through it. The caller sees to it that T more tokens fit.
   */
  readonly cache?: KeyValueCache | undefined;
}

/**
 * Logits of the next token at every position.
 *
 * @param parameters As {@linkcode toParameters} makes them.
 * @param tokens int32 ids, [B, T], T at most the config's `blockSize`.
 * @param config The model's sizes and options.
 * @param options A key for dropout, a cache.
 * @returns [N, V]; in the policy's type where it lowers matrix products.
 * @throws {RangeError} when T is longer than the model has positions for, or a parameter is missing.
 */
export function gptLogits(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  config: GptConfig,
  options: PassOptions = {},
): tf.Tensor2D {
  return headLogits(parameters, gptHidden(parameters, tokens, config, options), config);
}

/**
 * What the head makes logits of: the last LayerNorm's result at every position.
 *
 * @param parameters As for {@linkcode gptLogits}, and so are the others.
 * @returns [N, C].
 * @throws {RangeError} when T is longer than the model has positions for, or a parameter is missing.
 */
export function gptHidden(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  config: GptConfig,
  options: PassOptions = {},
): tf.Tensor2D {
  const [B, T] = tokens.shape;
  const full = completeConfig(config);
  const { nEmbd: C, nLayer, blockSize, qkNorm, layerNormEps: epsilon } = full;
  if (T > blockSize) {
    throw new RangeError(
      `Cannot run the model: T must be at most blockSize (${blockSize} tokens): T is ${T}`,
    );
  }
  const weight = (name: string) => parameterOf(parameters, `${name}.weight`);
  const affine = (name: string) => ({
    weight: weight(name),
    bias: full.bias ? parameterOf(parameters, `${name}.bias`) : undefined,
  });
  const dense = (x: tf.Tensor, name: string) => linear(x, affine(name));
  // Its result goes into matrix products alone.
  const norm = (x: tf.Tensor, name: string) => layerNorm(x, { ...affine(name), epsilon, lowered: true });
  const dropout = createDropout(full.dropout, options.dropoutKey);
  const { cache } = options;
  const places = cache && cachePlaces(cache, T);
  const attn = (x: tf.Tensor, at: string, layer: number) => {
    const context = attention(dense(x, `${at}.c_attn`), {
      ...{ B, T, config: full, dropout },
      gains: qkNorm ? { q: weight(`${at}.q_norm`), k: weight(`${at}.k_norm`) } : undefined,
      cached: cache && places && { cache, places, layer },
    });
    return dropout(dense(context, `${at}.c_proj`));
  };
  const mlp = (x: tf.Tensor, at: string) => {
    const hidden = activation([dense(x, `${at}.c_fc`)], full.activation); // [N, F], of [N, F] or twice that
    return dropout(dense(observe("activation", hidden), `${at}.c_proj`));
  };

  let x = layerScope("embedding", () => {
    const positions = places === undefined
      ? tf.slice(weight("wpe"), [0, 0], [T, C])
      : embedding(weight("wpe"), places.positions); // [T, C]
    const tokenRows = tf.reshape(embedding(weight("wte"), tf.reshape(tokens, [B * T])), [B, T, C]);
    return observe("residual", dropout(tf.reshape(residual(tokenRows, positions), [B * T, C]))); // [N, C]
  });
  for (let layer = 0; layer < nLayer; layer++) {
    const at = `h.${layer}`;
    x = layerScope(at, () => {
      x = observe("residual", residual(x, attn(norm(x, `${at}.ln_1`), `${at}.attn`, layer)));
      return observe("residual", residual(x, mlp(norm(x, `${at}.ln_2`), `${at}.mlp`)));
    });
  }
  if (cache !== undefined) cache.position = tf.add(cache.position, tf.scalar(T, "int32"));
  return layerScope("head", () => norm(x, "ln_f")) as tf.Tensor2D;
}

const activation = operation("gelu", ([x]: [tf.Tensor], name: Activation) => activate(x, name));

/**
 * Logits of hidden states: the product with the head's table, bounded where the config says so.
 *
 * @param parameters As for {@linkcode gptLogits}.
 * @param hidden Rows of {@linkcode gptHidden}, [N, C].
 * @param config The model's sizes and options.
 * @returns [N, V]; in the policy's type where it lowers matrix products.
 */
export function headLogits(parameters: Parameters, hidden: tf.Tensor2D, config: GptConfig): tf.Tensor2D {
  const { tiedHead, logitSoftCap } = completeConfig(config);
  const table = parameterOf(parameters, tiedHead ? "wte.weight" : "lm_head.weight"); // [V, C]
  const logits = layerScope(
    "head",
    () =>
      logitSoftCap === undefined
        ? linear(hidden, { weight: table, transposed: true })
        : cappedProduct([hidden, table], logitSoftCap),
  );
  return observe("logits", logits) as tf.Tensor2D;
}

const cappedProduct = operation(
  "linear",
  ([hidden, table]: [tf.Tensor, tf.Tensor], cap: number) =>
    softCap(tf.matMul(hidden, table, false, true), { cap }),
);

function parameterOf(parameters: Parameters, name: string): tf.Tensor {
  const parameter = parameters[name];
  if (parameter !== undefined) return parameter;
  throw new RangeError(
    `Cannot run the model: its config wants the parameter ${name}, which is not among the ` +
      `${Object.keys(parameters).length} given`,
  );
}
