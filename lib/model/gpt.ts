/**
 * GPT-2's architecture as plain functions over a record of parameters: pre-LayerNorm, learned positions, tied head.
 *
 * Letters: B batch, T sequence length, C width, H heads, D = C / H, V vocabulary, N = B T.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { causalSoftmax, embedding, gelu, layerNorm, linear } from "../tensorflow/mod.ts";
import type { GptConfig } from "./config.ts";
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

/**
 * Logits of the next token at every position.
 *
 * @param parameters As {@linkcode toParameters} makes them.
 * @param tokens int32 ids, [B, T], T at most the config's `blockSize`.
 * @param config The model's sizes.
 * @returns [N, V]; in the policy's type where it lowers matrix products.
 * @throws {RangeError} when T is longer than the model has positions for.
 */
export function gptLogits(parameters: Parameters, tokens: tf.Tensor2D, config: GptConfig): tf.Tensor2D {
  return tf.matMul(gptHidden(parameters, tokens, config), parameters["wte.weight"]!, false, true);
}

/**
 * What the head is multiplied with: the last block's output after the last LayerNorm. For losses that never hold all
 * logits at once.
 *
 * @returns [N, C]; the arguments are those of {@linkcode gptLogits}, and so are the errors.
 */
export function gptHidden(parameters: Parameters, tokens: tf.Tensor2D, config: GptConfig): tf.Tensor2D {
  const [B, T] = tokens.shape;
  const { nEmbd: C, nLayer, nHead, blockSize } = config;
  if (T > blockSize) {
    throw new RangeError(
      `Cannot run the model: T must be at most blockSize (${blockSize} tokens): T is ${T}`,
    );
  }
  const part = (name: string) => ({
    weight: parameters[`${name}.weight`]!,
    bias: parameters[`${name}.bias`]!,
  });
  const positions = tf.slice(parameters["wpe.weight"]!, [0, 0], [T, C]); // [T, C]
  const tokenRows = tf.reshape(embedding(parameters["wte.weight"]!, tf.reshape(tokens, [B * T])), [B, T, C]);
  let x: tf.Tensor = tf.reshape(tf.add(tokenRows, positions), [B * T, C]); // [N, C]
  for (let i = 0; i < nLayer; i++) {
    const context = attention(linear(layerNorm(x, part(`h.${i}.ln_1`)), part(`h.${i}.attn.c_attn`)), {
      B,
      T,
      nHead,
    });
    x = tf.add(x, linear(context, part(`h.${i}.attn.c_proj`)));
    const hidden = gelu(linear(layerNorm(x, part(`h.${i}.ln_2`)), part(`h.${i}.mlp.c_fc`))); // [N, 4 C]
    x = tf.add(x, linear(hidden, part(`h.${i}.mlp.c_proj`)));
  }
  return layerNorm(x, part("ln_f")) as tf.Tensor2D;
}

/** Causal attention of every head over queries, keys and values side by side, [N, 3 C] -> [N, C]. */
function attention(qkv: tf.Tensor, { B, T, nHead: H }: { B: number; T: number; nHead: number }): tf.Tensor {
  const C = qkv.shape[1]! / 3;
  const D = C / H;
  const split = tf.transpose(tf.reshape(qkv, [B, T, 3, H, D]), [2, 0, 3, 1, 4]); // [3, B, H, T, D]
  const [q, k, v] = tf.unstack(split) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const weights = causalSoftmax(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)); // [B, H, T, T]
  const context = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]); // [B, T, H, D]
  return tf.reshape(context, [B * T, C]);
}
