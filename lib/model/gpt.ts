/**
 * A decoder-only transformer as plain functions over a record of parameters. The options of its config select GPT-2's
 * architecture, LLaMA's, or a mixture of both.
 *
 * Letters: B batch, T sequence length, N = B T, C width, H heads, D = C / H, F width of the MLP, V vocabulary.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  embedding,
  layerNorm,
  layerScope,
  observe,
  operation,
  residual,
  rmsNorm,
} from "../tensorflow/mod.ts";
import { operandFormats } from "../tensorflow/precision/scope.ts";
import { linearOfParts } from "../tensorflow/ops/linear.ts";
import { joinParts, mapParts, partsOf } from "../tensorflow/ops/row_parts.ts";
import { activate, createDropout, NO_DROPOUT, softCap } from "./_pointwise.ts";
import { attention, cachePlaces, type KeyValueCache } from "./attention.ts";
import { requireHidden } from "./architecture.ts";
import { type Activation, completeConfig, type FullGptConfig, type GptConfig } from "./config.ts";
import type { ParameterRecord } from "./parameters.ts";
import { parseRopeScaling, ropeFrequencies, ropeTables } from "./rope.ts";

/** Name of the output head as a linear layer. A tied head has the same name. */
export const HEAD_LAYER = "lm_head";

/** Parameters by name, as tensors. */
export type Parameters = Record<string, tf.Tensor>;

/** Creates float32 tensors from plain parameters. The caller must dispose of the tensors. */
export function toParameters(record: ParameterRecord): Parameters {
  return Object.fromEntries(
    Object.entries(record).map(([name, { shape, values }]) => [name, tf.tensor(values, shape, "float32")]),
  );
}

/** Downloads tensors to plain parameters. The tensors are kept. */
export function fromParameters(parameters: Parameters): ParameterRecord {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [
      name,
      { shape: [...tensor.shape], values: Float32Array.from(tensor.dataSync()) },
    ]),
  );
}

/** Optional inputs of a forward pass. */
export interface PassOptions {
  /**
   * Random key of the dropout masks, int32 [2]. Equal keys give equal masks. Each dropout layer derives its own key.
   * Pass the key to a compiled function as an argument, because captured tensors are constants. Default: no dropout.
   */
  readonly dropoutKey?: tf.Tensor | undefined;
  /**
   * Cache of the keys and values of earlier tokens. It has no gradient. The pass replaces the cache's tensors by
   * tensors that include the new tokens. The caller owns the old and the new tensors, and must ensure that T more
   * tokens fit. Default: no cache.
   */
  readonly cache?: KeyValueCache | undefined;
  /**
   * Number of new tokens of each sequence without padding, int32 [B], from 0 to T. Padding must repeat the sequence's
   * last token. Read only if there is a cache. Default: T.
   */
  readonly lengths?: tf.Tensor | undefined;
}

/**
 * Computes the logits of the next token at every position.
 *
 * @param parameters Parameters as tensors, from {@linkcode toParameters}.
 * @param tokens Token ids, int32 [B, T], T at most the config's `blockSize`.
 * @param config Sizes and options of the model.
 * @param options A dropout key, and a cache.
 * @returns [N, V], in the policy's type for matrix products.
 * @throws {RangeError} If T is above `blockSize`, or a parameter is missing.
 */
export function gptLogits(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  config: GptConfig,
  options: PassOptions = {},
): tf.Tensor2D {
  return joinParts(logitsOfParts(parameters, tokens, config, options)) as tf.Tensor2D;
}

/** Computes the logits of {@linkcode gptLogits} as one tensor per part of the batch, in row order. */
export function logitsOfParts(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  config: GptConfig,
  options: PassOptions = {},
): tf.Tensor2D[] {
  return headOfParts(parameters, hiddenOfParts(parameters, tokens, config, options), config);
}

/**
 * Computes the input of the output head at every position: the output of the last norm, or the result of a user's
 * architecture.
 *
 * @param parameters Parameters as tensors, from {@linkcode toParameters}.
 * @param tokens Token ids, int32 [B, T], T at most the config's `blockSize`.
 * @param config Sizes and options of the model.
 * @param options A dropout key, and a cache.
 * @returns [N, C].
 * @throws {RangeError} If T is above `blockSize`, a parameter is missing, or a user's architecture returns another
 * shape.
 */
export function gptHidden(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  config: GptConfig,
  options: PassOptions = {},
): tf.Tensor2D {
  return joinParts(hiddenOfParts(parameters, tokens, config, options)) as tf.Tensor2D;
}

/** Computes the hidden states of {@linkcode gptHidden} as one tensor per part of the batch, in row order. */
function hiddenOfParts(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  config: GptConfig,
  options: PassOptions,
): tf.Tensor[] {
  const [B, T] = tokens.shape;
  const full = completeConfig(config);
  const { nEmbd: C, nLayer, blockSize, qkNorm, layerNormEps: epsilon } = full;
  if (T > blockSize) {
    throw new RangeError(
      `Cannot run the model: expected T <= blockSize (${blockSize} tokens), got ${T}`,
    );
  }
  if (full.architecture !== undefined) return [ownHidden(parameters, tokens, { ...options, config: full })];
  const weight = (name: string) => parameterOf(parameters, `${name}.weight`);
  const affine = (name: string) => ({
    weight: weight(name),
    bias: full.bias ? parameterOf(parameters, `${name}.bias`) : undefined,
  });
  const dense = (xs: tf.Tensor[], name: string) => linearOfParts(xs, { ...affine(name), name });
  // Only matrix products consume its result.
  const norm = (xs: tf.Tensor[], name: string) =>
    mapParts(
      xs,
      (x) =>
        full.norm === "rmsNorm"
          ? rmsNorm(x, { weight: weight(name), epsilon, lowered: true })
          : layerNorm(x, { ...affine(name), epsilon, lowered: true }),
    );
  const dropout = createDropout(full.dropout, options.dropoutKey);
  const { cache, lengths = cache && tf.fill([B], T, "int32") } = options;
  const places = cache && cachePlaces(cache, { lengths: lengths!, T });
  const angles = full.position === "rotary" ? rotaryAngles(full, places?.positions ?? T) : undefined;
  const attn = (xs: tf.Tensor[], at: string, layer: number) => {
    const contexts = mapParts(dense(xs, `${at}.c_attn`), (qkv) =>
      attention(qkv, {
        ...{ B: B / xs.length, T, config: full, dropout },
        gains: qkNorm ? { q: weight(`${at}.q_norm`), k: weight(`${at}.k_norm`) } : undefined,
        angles,
        cached: cache && places && { cache, places, layer },
      }));
    return dense(contexts, `${at}.c_proj`).map(dropout);
  };
  const mlp = (xs: tf.Tensor[], at: string) => {
    // From [N, F], or [N, 2 F] for swiglu, to [N, F].
    const hidden = mapParts(
      dense(xs, `${at}.c_fc`),
      (x) => observe("activation", activation(x, full.activation)),
    );
    return dense(hidden, `${at}.c_proj`).map(dropout);
  };
  const add = (xs: tf.Tensor[], branches: tf.Tensor[]) =>
    mapParts(xs, (x, i) => observe("residual", residual(x, branches[i]!)));

  const embedded = layerScope("embedding", () => {
    const tokenRows = embedding(weight("wte"), tf.reshape(tokens, [B * T])); // [N, C]
    if (full.position === "rotary") return observe("residual", dropout(tokenRows));
    const positions = places === undefined
      ? firstRows(weight("wpe"), T)
      : tf.reshape(embedding(weight("wpe"), tf.reshape(places.positions, [B * T])), [B, T, C]);
    const sum = residual(tf.reshape(tokenRows, [B, T, C]), positions);
    return observe("residual", dropout(tf.reshape(sum, [B * T, C]))); // [N, C]
  });
  // Dropout masks and a cache belong to the whole batch.
  let xs = partsOf(embedded, { B, isDivisible: dropout === NO_DROPOUT && cache === undefined });
  for (let layer = 0; layer < nLayer; layer++) {
    const at = `h.${layer}`;
    xs = layerScope(at, () => {
      xs = add(xs, attn(norm(xs, `${at}.ln_1`), `${at}.attn`, layer));
      return add(xs, mlp(norm(xs, `${at}.ln_2`), `${at}.mlp`));
    }, { isEnd: layer === 0 || layer === nLayer - 1 });
  }
  if (cache !== undefined) cache.position = tf.add(cache.position, lengths!);
  return layerScope("head", () => norm(xs, "ln_f"));
}

/** Returns the first T rows of a table, the table itself if it has no others. */
function firstRows(table: tf.Tensor, T: number): tf.Tensor {
  return table.shape[0] === T ? table : tf.slice(table, [0, 0], [T, table.shape[1]!]);
}

/** Computes the input of the output head with a user's architecture. */
function ownHidden(
  parameters: Parameters,
  tokens: tf.Tensor2D,
  { config, dropoutKey }: PassOptions & { config: FullGptConfig },
): tf.Tensor2D {
  const [B, T] = tokens.shape, architecture = config.architecture!;
  const dropout = createDropout(config.dropout, dropoutKey);
  const hidden = architecture.forward({
    parameters: Object.freeze({ ...parameters }), // a user's code must not change ours
    config: Object.freeze({ ...config }),
    tokens,
    dropout,
  });
  return requireHidden(hidden, { architecture, N: B * T, C: config.nEmbd });
}

/**
 * Returns the cosines and sines of the rotary angles of positions.
 *
 * @param config Sizes and options of the model.
 * @param positions Positions of each sequence's tokens, int32 [B, T]. A number T stands for the positions 0 to T - 1 of
 * all sequences.
 * @returns float32 each: [B, 1, T, D / 2], or [T, D / 2] for a number T.
 */
export function rotaryAngles(
  { nEmbd, nHead, blockSize, ropeTheta: theta, ropeScaling }: FullGptConfig,
  positions: tf.Tensor2D | number,
): { cos: tf.Tensor; sin: tf.Tensor } {
  const D = nEmbd / nHead;
  const T = typeof positions === "number" ? positions : blockSize;
  const tables = ropeTables(ropeFrequencies(D, { theta, scaling: parseRopeScaling(ropeScaling) }), T);
  const [cos, sin] = [tables.cos, tables.sin].map((table) => tf.tensor2d(table, [T, D / 2])) as [
    tf.Tensor,
    tf.Tensor,
  ];
  if (typeof positions === "number") return { cos, sin };
  const [B, rows] = positions.shape;
  const at = (table: tf.Tensor) => tf.reshape(tf.gather(table, positions), [B, 1, rows, D / 2]);
  return { cos: at(cos), sin: at(sin) };
}

/**
 * Applies the activation of an MLP. It belongs to the operation class `gelu`, whichever function `name` selects.
 *
 * @param x [N, F]. For `swiglu` [N, 2 F]: the gates, then the values.
 * @param name Name of the activation.
 * @returns [N, F].
 */
export function activation(x: tf.Tensor, name: Activation): tf.Tensor {
  return activationOf([x], name);
}

const activationOf = operation("gelu", ([x]: [tf.Tensor], name: Activation) => activate(x, name));

/**
 * Computes logits from hidden states: their product with the output head's table, followed by the config's soft cap if
 * any.
 *
 * @param parameters Parameters as tensors, from {@linkcode toParameters}.
 * @param hidden Rows of the result of {@linkcode gptHidden}, [N, C].
 * @param config Sizes and options of the model.
 * @returns [N, V], in the policy's type for matrix products.
 */
export function headLogits(parameters: Parameters, hidden: tf.Tensor2D, config: GptConfig): tf.Tensor2D {
  return headOfParts(parameters, [hidden], config)[0]!;
}

/** Computes the logits of {@linkcode headLogits} as one tensor per part of the batch. */
function headOfParts(parameters: Parameters, hidden: tf.Tensor[], config: GptConfig): tf.Tensor2D[] {
  const { tiedHead, logitSoftCap } = completeConfig(config);
  const table = parameterOf(parameters, tiedHead ? "wte.weight" : "lm_head.weight"); // [V, C]
  const logits = layerScope("head", () => {
    // One operation rounds to a format once. With formats of operands, the product has a separate result.
    if (logitSoftCap !== undefined && hidden.length === 1 && operandFormats() === undefined) {
      return [cappedProduct([hidden[0]!, table], logitSoftCap)];
    }
    const products = linearOfParts(hidden, { weight: table, transposed: true, name: HEAD_LAYER });
    return logitSoftCap === undefined
      ? products
      : mapParts(products, (x) => softCap(x, { cap: logitSoftCap }));
  });
  return mapParts(logits, (x) => observe("logits", x)) as tf.Tensor2D[];
}

const cappedProduct = operation(
  "linear",
  ([hidden, table]: [tf.Tensor, tf.Tensor], cap: number) =>
    softCap(tf.matMul(hidden, table, false, true), { cap }),
);

/** Maximum number of names that an error lists. */
const MOST_NAMES = 10;

/** Returns a parameter by name. */
function parameterOf(parameters: Parameters, name: string): tf.Tensor {
  const parameter = parameters[name];
  if (parameter !== undefined) return parameter;
  const names = Object.keys(parameters), shown = names.slice(0, MOST_NAMES).join(", ") || "none";
  throw new RangeError(
    `Cannot run the model: expected the parameter ${name}, as its config says, got ${shown}` +
      `${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ""}.` +
      " Pass all parameters of parameterShapes(config).",
  );
}
