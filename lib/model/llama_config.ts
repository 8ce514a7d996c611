/**
 * Conversion between Hugging Face's `config.json` of a LLaMA and losskit's config.
 *
 * @module
 */
import * as v from "valibot";
import { count, noQuantization, parseConfigFile, positions, positive, vocabulary } from "./_config_file.ts";
import { ARCHITECTURES, completeConfig, type GptConfig, validateGptConfig } from "./config.ts";
import { formatRopeScaling, parseRopeScaling, type RopeScaling } from "./rope.ts";

const noBias = v.optional(v.literal(false, "biases are not supported"), false);

const wholeHeads = v.nullish(v.literal(1, "rotation of a part of each head is not supported"));

/**
 * Fields of the rotary positions: `rope_parameters` in transformers 5, `rope_scaling` in earlier versions. Earlier
 * versions name the kind `type`.
 */
const rope = v.looseObject({
  rope_type: v.optional(v.string()),
  type: v.optional(v.string()),
  rope_theta: v.optional(positive),
  partial_rotary_factor: wholeHeads,
  factor: v.optional(v.number()),
  low_freq_factor: v.optional(v.number()),
  high_freq_factor: v.optional(v.number()),
  original_max_position_embeddings: v.optional(v.number()),
});

/** Fields that losskit reads. Omitted fields have transformers' defaults. */
const schema = v.looseObject({
  model_type: v.optional(v.literal("llama"), "llama"),
  vocab_size: v.optional(vocabulary, 32000),
  hidden_size: v.optional(count, 4096),
  intermediate_size: v.optional(count, 11008),
  num_hidden_layers: v.optional(count, 32),
  num_attention_heads: v.optional(count, 32),
  num_key_value_heads: v.nullish(count),
  head_dim: v.nullish(count),
  max_position_embeddings: v.optional(positions, 2048),
  hidden_act: v.optional(
    v.picklist(["silu", "swish"], ({ received }) => `unknown activation ${received}`),
    "silu",
  ),
  rms_norm_eps: v.optional(positive, 1e-6),
  initializer_range: v.optional(positive, 0.02),
  tie_word_embeddings: v.optional(v.boolean(), false),
  rope_theta: v.optional(positive),
  rope_scaling: v.nullish(rope),
  rope_parameters: v.nullish(rope),
  original_max_position_embeddings: v.nullish(v.number()),
  attention_bias: noBias,
  mlp_bias: noBias,
  partial_rotary_factor: wholeHeads,
  sliding_window: v.nullish(count),
  use_sliding_window: v.nullish(v.boolean()),
  layer_types: v.nullish(v.array(v.literal("full_attention", "attention over a window is not supported"))),
  quantization_config: noQuantization,
});

/** Returns the fields of the rotary positions. If a file has both, transformers uses a `rope_scaling` with fields. */
function rotaryOf({ rope_scaling, rope_parameters }: v.InferOutput<typeof schema>) {
  const hasScaling = rope_scaling != null && Object.keys(rope_scaling).length > 0;
  return (hasScaling ? rope_scaling : rope_parameters) ?? undefined;
}

/**
 * Returns the scaling of the rotary frequencies, or the reason why the scaling is not supported.
 *
 * @param given Fields of the rotary positions.
 * @param file The whole file. Its `original_max_position_embeddings` precedes that of `given`, as in transformers. If
 * `llama3` has no context length of pretraining, `max_position_embeddings` is used.
 */
function scalingOf(
  given: v.InferOutput<typeof rope> | undefined,
  file: v.InferOutput<typeof schema>,
): RopeScaling | string {
  if (given === undefined) return { kind: "none" };
  const others = Object.keys(given).filter((name) => !["rope_theta", "partial_rotary_factor"].includes(name));
  const kind = given.rope_type ?? given.type ?? (others.length === 0 ? "default" : undefined);
  if (kind === undefined) return `rope scaling without rope_type, but with ${others[0]}`;
  if (kind === "default") return { kind: "none" };
  if (kind === "linear" && given.factor !== undefined) return { kind, factor: given.factor };
  const { factor, low_freq_factor: low, high_freq_factor: high } = given;
  const length = file.original_max_position_embeddings ?? given.original_max_position_embeddings ??
    file.max_position_embeddings;
  if (kind === "llama3" && factor !== undefined && low !== undefined && high !== undefined) {
    return { kind, factor, low, high, length };
  }
  return `rope scaling ${kind} ${kind === "llama3" || kind === "linear" ? "without its factors" : ""}`
    .trim() +
    ": supported are default, linear and llama3";
}

/**
 * Converts a LLaMA's `config.json` to losskit's config.
 *
 * @param given The file's JSON.
 * @param name Name of the file for errors.
 * @throws {UserError} If the JSON is not a LLaMA config, or has options that losskit does not support.
 */
export function fromLlamaConfig(given: unknown, name: string): GptConfig {
  return parseConfigFile(given, { name, architecture: "LLaMA" }, schema, (found, refuse) => {
    const {
      hidden_size: nEmbd,
      num_attention_heads: nHead,
      head_dim: D,
      max_position_embeddings: blockSize,
    } = found;
    const { sliding_window: window, use_sliding_window: isWindowUsed } = found;
    if (window != null && window < blockSize && isWindowUsed !== false) {
      throw refuse(
        `sliding_window is ${window}: attention over a window shorter than max_position_embeddings (${blockSize}) ` +
          "is not supported",
      );
    }
    if (D != null && D * nHead !== nEmbd) {
      throw refuse(`head_dim is ${D}, not hidden_size / num_attention_heads = ${nEmbd / nHead}`);
    }
    const rotary = rotaryOf(found), scaling = scalingOf(rotary, found);
    if (typeof scaling === "string") throw refuse(scaling);
    return {
      nLayer: found.num_hidden_layers,
      nHead,
      nEmbd,
      vocabSize: found.vocab_size,
      blockSize,
      ...ARCHITECTURES.llama,
      tiedHead: found.tie_word_embeddings,
      initStd: found.initializer_range,
      layerNormEps: found.rms_norm_eps,
      nInner: found.intermediate_size,
      ropeTheta: rotary?.rope_theta ?? found.rope_theta ?? 10_000,
      ropeScaling: formatRopeScaling(scaling),
      nKvHead: found.num_key_value_heads ?? nHead,
    };
  });
}

/** Returns the names of a config's options that LLaMA does not have. Empty if LLaMA has all of them. */
export function unlikeLlama(config: GptConfig): string[] {
  const full = completeConfig(config);
  return [
    full.bias && "bias",
    full.norm !== "rmsNorm" && `norm ${full.norm}`,
    full.position !== "rotary" && `position ${full.position}`,
    full.activation !== "swiglu" && `activation ${full.activation}`,
    full.qkNorm && "qkNorm",
    full.logitSoftCap !== undefined && "logitSoftCap",
    full.attentionSoftCap !== undefined && "attentionSoftCap",
  ].filter((option) => option !== false);
}

/**
 * Converts a model's config to the `config.json` of transformers' `LlamaForCausalLM`.
 *
 * @param config A config for which {@linkcode unlikeLlama} is empty.
 * @param options `end`: id of the tokenizer's end-of-document token. Default: null, for none.
 */
export function toLlamaConfig(
  config: GptConfig,
  { end = null }: { end?: number | null | undefined } = {},
): Record<string, unknown> {
  validateGptConfig(config);
  const full = completeConfig(config);
  const rotary = rotaryJson(parseRopeScaling(full.ropeScaling));
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    attention_bias: false,
    attention_dropout: full.dropout,
    bos_token_id: end,
    eos_token_id: end,
    head_dim: full.nEmbd / full.nHead,
    hidden_act: "silu",
    hidden_size: full.nEmbd,
    initializer_range: full.initStd,
    intermediate_size: full.nInner,
    max_position_embeddings: full.blockSize,
    mlp_bias: false,
    num_attention_heads: full.nHead,
    num_hidden_layers: full.nLayer,
    num_key_value_heads: full.nKvHead,
    rms_norm_eps: full.layerNormEps,
    // Transformers 5 reads `rope_parameters`; earlier versions read `rope_theta` and `rope_scaling`.
    rope_parameters: { rope_type: "default", ...rotary, rope_theta: full.ropeTheta },
    rope_scaling: rotary,
    rope_theta: full.ropeTheta,
    tie_word_embeddings: full.tiedHead,
    vocab_size: full.vocabSize,
  };
}

function rotaryJson(scaling: RopeScaling): Record<string, unknown> | null {
  switch (scaling.kind) {
    case "none":
      return null;
    case "linear":
      return { rope_type: "linear", factor: scaling.factor };
    case "llama3":
      return {
        rope_type: "llama3",
        factor: scaling.factor,
        low_freq_factor: scaling.low,
        high_freq_factor: scaling.high,
        original_max_position_embeddings: scaling.length,
      };
  }
}
