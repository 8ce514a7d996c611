/**
 * Causal multi-head self-attention over a sequence, with or without a cache of keys and values.
 *
 * Letters: B batch, T new tokens, N = B T, C width, H query heads, G heads of keys and values, D = C / H, S tokens that
 * fit the cache (`blockSize`).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  attentionScores,
  attentionSums,
  causalAttention,
  causalSoftmax,
  isObserved,
  layerNorm,
  observe,
  operation,
  repeatHeads,
  rmsNorm,
  rotary,
  toFloat32,
} from "../tensorflow/mod.ts";
import { roundingDraws, withDrawsFrom } from "../tensorflow/precision/scope.ts";
import { castLike, type Dropout, NO_DROPOUT, softCap } from "./_pointwise.ts";
import { completeConfig, type FullGptConfig, type GptConfig } from "./config.ts";

/**
 * Cache of the keys and values of earlier tokens. With it, the attention of a new token costs O(S) instead of O(S²). S,
 * the number of tokens that fit the cache, is fixed, so that a compiled decoding step is traced once.
 */
export interface KeyValueCache {
  /**
   * Number of tokens of each sequence that the cache holds, int32 [B]. The number is also the position of the
   * sequence's next token.
   */
  position: tf.Tensor;
  /** Keys of each layer, [B, G, S, D] float32. Keys at or after a sequence's `position` are unused. */
  keys: tf.Tensor[];
  /** Values of each layer, [B, G, S, D] float32. Values at or after a sequence's `position` are unused. */
  values: tf.Tensor[];
}

/**
 * Creates an empty cache. The caller must dispose of its tensors.
 *
 * @param config The model. Its `blockSize` is S.
 * @param B Number of sequences.
 */
export function emptyCache(config: GptConfig, B: number): KeyValueCache {
  const { nLayer, nHead, nKvHead, nEmbd, blockSize } = completeConfig(config);
  const zeros = () => Array.from({ length: nLayer }, () => tf.zeros([B, nKvHead, blockSize, nEmbd / nHead]));
  return { position: tf.zeros([B], "int32"), keys: zeros(), values: zeros() };
}

/**
 * Locations in a cache at which T new tokens of each sequence are written, and their attention mask. All layers have
 * the same locations.
 */
export interface CachePlaces {
  /** Positions of the new tokens, int32 [B, T]. */
  readonly positions: tf.Tensor2D;
  /** Index of each new token's key in the keys of a layer: sequence, head and position. int32 [B, G, T, 3]. */
  readonly locations: tf.Tensor;
  /** Attention mask, [B, 1, T, S]: 0 where a new token attends to a location, -Infinity elsewhere. */
  readonly mask: tf.Tensor;
}

/**
 * Returns the locations of T new tokens of each sequence in a cache, and their attention mask.
 *
 * @param cache The cache.
 * @param added `T`: number of new tokens, including padding. `lengths`: number of new tokens of each sequence without
 * padding, int32 [B]. Padding must repeat the sequence's last token. Its position is that of the last token, so the
 * same keys are written again.
 */
export function cachePlaces(
  { keys, position }: KeyValueCache,
  { lengths, T }: { lengths: tf.Tensor; T: number },
): CachePlaces {
  const [B, G, S] = keys[0]!.shape as [number, number, number];
  const whole = (n: number) => tf.scalar(n, "int32");
  const last = tf.maximum(tf.sub(lengths, whole(1)), whole(0)); // [B]
  const places = tf.minimum(tf.range(0, T, 1, "int32"), tf.reshape(last, [B, 1])); // [B, T]
  const positions = tf.minimum(tf.add(tf.reshape(position, [B, 1]), places), whole(S - 1)) as tf.Tensor2D;
  const unseen = tf.greater(tf.range(0, S, 1, "int32"), tf.reshape(positions, [B, 1, T, 1])); // [B, 1, T, S]
  const index = (x: tf.Tensor, shape: number[]) => tf.broadcastTo(tf.reshape(x, shape), [B, G, T]);
  return {
    positions,
    locations: tf.stack([
      index(tf.range(0, B, 1, "int32"), [B, 1, 1]),
      index(tf.range(0, G, 1, "int32"), [1, G, 1]),
      index(positions, [B, 1, T]),
    ], -1),
    mask: tf.where(unseen, tf.fill(unseen.shape, -Infinity), tf.zeros(unseen.shape)),
  };
}

/** Inputs of attention in addition to queries, keys and values. */
export interface AttentionContext {
  /** B, the number of sequences. */
  readonly B: number;
  /** T, the number of new tokens per sequence. */
  readonly T: number;
  /** Sizes and options of the model. */
  readonly config: FullGptConfig;
  /** Gains of the norms of queries and keys, [D] each. Default: no norms. */
  readonly gains?: { readonly q: tf.Tensor; readonly k: tf.Tensor } | undefined;
  /**
   * Cosines and sines of the new tokens' positions, float32 [T, D / 2] or [B, 1, T, D / 2]. Default: no rotary positions.
   */
  readonly angles?: { readonly cos: tf.Tensor; readonly sin: tf.Tensor } | undefined;
  /** Dropout of attention weights. Default: none. */
  readonly dropout?: Dropout | undefined;
  /**
   * The cache, the new tokens' locations, and the index of the layer. Attention replaces the layer's tensors in the
   * cache. Default: no cache.
   */
  readonly cached?: { cache: KeyValueCache; places: CachePlaces; layer: number } | undefined;
}

/**
 * Computes causal attention: each token attends to itself and to earlier tokens.
 *
 * @param qkv Queries, keys and values, concatenated: [N, C + 2 G D].
 * @param context Sizes, and optional norms, positions, dropout and cache.
 * @returns [N, C].
 */
export function attention(qkv: tf.Tensor, context: AttentionContext): tf.Tensor {
  const { B, T, config, gains, angles, cached, dropout = NO_DROPOUT } = context;
  const { nHead: H, nEmbd: C, attentionSoftCap } = config;
  const D = C / H;
  let [q, k, v] = headsOf(qkv, context);
  if (gains !== undefined) {
    q = headNorm(q, gains.q, config);
    k = headNorm(k, gains.k, config);
  }
  if (angles !== undefined) [q, k] = [rotary(q, angles), rotary(k, angles)];
  if (cached !== undefined) {
    const { cache, places, layer } = cached;
    k = cache.keys[layer] = place(cache.keys[layer]!, k, places); // [B, G, S, D]
    v = cache.values[layer] = place(cache.values[layer]!, v, places);
  }
  const merge = (x: tf.Tensor) => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * T, C]); // from [B, H, T, D]
  const scale = 1 / Math.sqrt(D);
  const weights = () => {
    const product = attentionScores(q, repeatHeads(k, H)); // [B, H, T, T or S]
    return observe("weights", weigh([product], { scale, cap: attentionSoftCap, mask: cached?.places.mask }));
  };
  if (cached === undefined && attentionSoftCap === undefined && dropout === NO_DROPOUT) {
    // For the observer only: rounding draws are the same with and without it.
    if (isObserved()) withDrawsFrom(roundingDraws(), () => tf.tidy(weights));
    return merge(causalAttention([q, k, v], { scale }));
  }
  return merge(attentionSums(dropout(weights()), repeatHeads(v, H)));
}

/** Splits queries, keys and values into heads: queries [B, H, T, D], keys and values [B, G, T, D]. */
function headsOf(qkv: tf.Tensor, { B, T, config }: AttentionContext): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const { nHead: H, nKvHead: G, nEmbd: C } = config;
  const D = C / H;
  if (G === H) {
    const split = tf.transpose(tf.reshape(qkv, [B, T, 3, H, D]), [2, 0, 3, 1, 4]); // [3, B, H, T, D]
    return tf.unstack(split) as [tf.Tensor, tf.Tensor, tf.Tensor];
  }
  const parts = tf.split(qkv, [C, G * D, G * D], 1);
  return parts.map((part) => tf.transpose(tf.reshape(part, [B, T, -1, D]), [0, 2, 1, 3])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
}

/** Options of the softmax over attention scores. */
interface WeighOptions {
  /** Factor by which the scores are multiplied. */
  readonly scale: number;
  /** Soft cap of the scaled scores. Undefined: none. */
  readonly cap: number | undefined;
  /**
   * Mask that is added to the scores: 0 where a token attends, -Infinity elsewhere. It has no gradient. Undefined: the
   * causal mask.
   */
  readonly mask: tf.Tensor | undefined;
}

/** Computes attention weights from the products of queries and keys. */
const weigh = operation("softmax", ([product]: [tf.Tensor], { scale, cap, mask }: WeighOptions) => {
  const scores = observe("scores", cap === undefined ? product : softCap(product, { cap, scale }));
  const rest = cap === undefined ? scale : 1;
  if (mask === undefined) return causalSoftmax(scores, rest);
  return castLike(tf.softmax(tf.add(tf.mul(toFloat32(scores), rest), mask)), scores);
});

/** Applies the model's norm over the last axis of [B, H, T, D], with a gain and no bias. */
function headNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  { norm, layerNormEps: epsilon }: FullGptConfig,
): tf.Tensor {
  const D = x.shape.at(-1)!;
  const apply = norm === "rmsNorm" ? rmsNorm : layerNorm;
  const rows = apply(tf.reshape(x, [x.size / D, D]), { weight, epsilon });
  return tf.reshape(rows, x.shape);
}

/** Returns a layer's cached keys or values with those of the new tokens written in, float32. */
function place(all: tf.Tensor, added: tf.Tensor, { locations }: CachePlaces): tf.Tensor {
  return tf.tensorScatterUpdate(all, locations, toFloat32(added));
}
