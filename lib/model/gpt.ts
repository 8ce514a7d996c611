/**
 * GPT-2's architecture as plain functions over a record of parameters: pre-LayerNorm, learned positions, and the
 * options that a config names.
 *
 * Letters: B batch, T sequence length, C width, H heads, D = C / H, V vocabulary, N = B T.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  addLayerNorm,
  embedding,
  formatOf,
  layerNorm,
  layerScope,
  linear,
  observe,
  opScope,
  trueDtype,
} from "../tensorflow/mod.ts";
import { activate, createDropout, softCap } from "./_pointwise.ts";
import { attention, cachePlaces, type KeyValueCache } from "./attention.ts";
import { completeConfig, type GptConfig } from "./config.ts";
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
  const bias = (name: string) => full.bias ? parameterOf(parameters, `${name}.bias`) : undefined;
  const dense = (x: tf.Tensor, name: string) => {
    const b = bias(name);
    return b === undefined
      ? opScope("linear", [x, weight(name)], (x, w) => tf.matMul(x, w))
      : opScope("linear", [x, weight(name), b], (x, weight, bias) => linear(x, { weight, bias }));
  };
  const gains = (name: string) => [weight(name), bias(name) ?? tf.zeros([C])] as const;
  // What is normalised goes into matrix products alone, which round it to their type, unless they have a format of their own.
  const norm = (x: tf.Tensor, name: string) =>
    opScope(
      "layerNorm",
      [x, ...gains(name)],
      (x, weight, bias) => layerNorm(x, { weight, bias, epsilon, lowered: formatOf("linear") === undefined }),
    );
  const residual = (x: tf.Tensor, y: tf.Tensor) => opScope("residual", [x, y], (x, y) => tf.add(x, y));
  /** x + y and its LayerNorm: in one pass where no format is set for either. */
  const addNorm = (x: tf.Tensor, y: tf.Tensor, next: { layer: string; name: string }) => {
    const bare = formatOf("residual") === undefined && formatOf("layerNorm", next.layer) === undefined;
    if (bare && trueDtype(x) === "float32") {
      const [weight, bias] = gains(next.name);
      const lowered = formatOf("linear", next.layer) === undefined;
      const { sum, normal } = addLayerNorm(x, y, { weight, bias, epsilon, lowered });
      return [observe("residual", sum), normal] as const;
    }
    const sum = observe("residual", residual(x, y));
    return [sum, layerScope(next.layer, () => norm(sum, next.name))] as const;
  };
  const dropout = createDropout(full.dropout, options.dropoutKey);
  const { cache } = options;
  const places = cache && cachePlaces(cache, T);

  let x = layerScope("embedding", () => {
    const positions = places === undefined
      ? tf.slice(weight("wpe"), [0, 0], [T, C])
      : embedding(weight("wpe"), places.positions); // [T, C]
    const tokenRows = tf.reshape(embedding(weight("wte"), tf.reshape(tokens, [B * T])), [B, T, C]);
    return observe("residual", dropout(tf.reshape(residual(tokenRows, positions), [B * T, C]))); // [N, C]
  });
  let normal = layerScope("h.0", () => norm(x, "h.0.ln_1"));
  for (let layer = 0; layer < nLayer; layer++) {
    const at = `h.${layer}`, after = layer + 1 < nLayer ? `h.${layer + 1}` : undefined;
    layerScope(at, () => {
      const context = attention(dense(normal, `${at}.attn.c_attn`), {
        ...{ B, T, config: full, dropout },
        gains: qkNorm ? { q: weight(`${at}.attn.q_norm`), k: weight(`${at}.attn.k_norm`) } : undefined,
        cached: cache && places && { cache, places, layer },
      });
      const attended = dropout(dense(context, `${at}.attn.c_proj`));
      [x, normal] = addNorm(x, attended, { layer: at, name: `${at}.ln_2` });
      const wide = dense(normal, `${at}.mlp.c_fc`); // [N, F], or twice that
      const hidden = opScope("gelu", [wide], (wide) => activate(wide, full.activation)); // [N, F]
      observe("activation", hidden);
      const mixed = dropout(dense(hidden, `${at}.mlp.c_proj`));
      const next = after === undefined
        ? { layer: "head", name: "ln_f" }
        : { layer: after, name: `${after}.ln_1` };
      [x, normal] = addNorm(x, mixed, next);
    });
  }
  if (cache !== undefined) cache.position = tf.add(cache.position, tf.scalar(T, "int32"));
  return normal as tf.Tensor2D;
}

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
  const logits = layerScope("head", () =>
    opScope("linear", [hidden, table], (hidden, table) => {
      const product = tf.matMul(hidden, table, false, true);
      return logitSoftCap === undefined ? product : softCap(product, { cap: logitSoftCap });
    }));
  return observe("logits", logits) as tf.Tensor2D;
}

function parameterOf(parameters: Parameters, name: string): tf.Tensor {
  const parameter = parameters[name];
  if (parameter !== undefined) return parameter;
  throw new RangeError(
    `Cannot run the model: its config wants the parameter ${name}, which is not among the ` +
      `${Object.keys(parameters).length} given`,
  );
}
