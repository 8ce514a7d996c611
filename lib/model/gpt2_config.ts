/**
 * Conversion between Hugging Face's `config.json` of a GPT-2 and losskit's config.
 *
 * @module
 */
import * as v from "valibot";
import { count, noQuantization, parseConfigFile, positions, positive, vocabulary } from "./_config_file.ts";
import { type Activation, completeConfig, type GptConfig, validateGptConfig } from "./config.ts";

/** Activations by Hugging Face's names. Of several names for an activation, the first is written. */
const ACTIVATION_NAMES: readonly (readonly [name: string, activation: Activation])[] = [
  ["gelu_new", "gelu"],
  ["gelu_pytorch_tanh", "gelu"],
  ["gelu", "geluErf"],
  ["relu", "relu"],
  ["relu2", "relu2"],
  ["silu", "silu"],
  ["swish", "silu"],
];

/** Fields that losskit reads. Omitted fields have transformers' defaults. */
const schema = v.looseObject({
  model_type: v.optional(v.literal("gpt2"), "gpt2"),
  n_layer: v.optional(count, 12),
  n_head: v.optional(count, 12),
  n_embd: v.optional(count, 768),
  n_positions: v.optional(positions, 1024),
  vocab_size: v.optional(vocabulary, 50257),
  n_inner: v.nullish(count),
  activation_function: v.optional(
    v.picklist(ACTIVATION_NAMES.map(([name]) => name), ({ received }) => `unknown activation ${received}`),
    "gelu_new",
  ),
  layer_norm_epsilon: v.optional(positive, 1e-5),
  initializer_range: v.optional(positive, 0.02),
  resid_pdrop: v.optional(v.number(), 0.1),
  embd_pdrop: v.optional(v.number(), 0.1),
  attn_pdrop: v.optional(v.number(), 0.1),
  tie_word_embeddings: v.optional(v.boolean(), true),
  scale_attn_weights: v.optional(v.literal(true, "attention without 1 / sqrt(D) is not supported"), true),
  scale_attn_by_inverse_layer_idx: v.optional(
    v.literal(false, "attention scaled by layer is not supported"),
    false,
  ),
  quantization_config: noQuantization,
  add_cross_attention: v.optional(v.literal(false, "cross attention is not supported"), false),
});

/**
 * Converts a GPT-2's `config.json` to losskit's config. losskit has one dropout rate. If the file's three dropout rates
 * differ, dropout becomes 0.
 *
 * @param given The file's JSON.
 * @param name Name of the file for errors.
 * @throws {UserError} If the JSON is not a GPT-2 config, or has options that losskit does not support.
 */
export function fromGpt2Config(given: unknown, name: string): GptConfig {
  return parseConfigFile(given, { name, architecture: "GPT-2" }, schema, (found) => {
    const { resid_pdrop: rate } = found;
    return {
      nLayer: found.n_layer,
      nHead: found.n_head,
      nEmbd: found.n_embd,
      vocabSize: found.vocab_size,
      blockSize: found.n_positions,
      tiedHead: found.tie_word_embeddings,
      dropout: rate === found.embd_pdrop && rate === found.attn_pdrop ? rate : 0,
      initStd: found.initializer_range,
      activation: ACTIVATION_NAMES.find(([other]) => other === found.activation_function)![1],
      layerNormEps: found.layer_norm_epsilon,
      ...(found.n_inner != null && found.n_inner !== 4 * found.n_embd && { nInner: found.n_inner }),
    };
  });
}

/**
 * Converts a model's config to the `config.json` of transformers' `GPT2LMHeadModel`.
 *
 * @param config Sizes and options of the model.
 * @param options `end`: id of the tokenizer's end-of-document token. Default: null, for none.
 * @throws {RangeError} If GPT-2 does not have an option of the config. The message names the options.
 */
export function toGpt2Config(
  config: GptConfig,
  { end = null }: { end?: number | null | undefined } = {},
): Record<string, unknown> {
  validateGptConfig(config);
  const full = completeConfig(config);
  const foreign = [
    full.qkNorm && "qkNorm",
    full.logitSoftCap !== undefined && "logitSoftCap",
    full.attentionSoftCap !== undefined && "attentionSoftCap",
    full.activation === "swiglu" && "activation swiglu",
    full.norm !== "layerNorm" && `norm ${full.norm}`,
    full.position !== "learned" && `position ${full.position}`,
    full.nKvHead !== full.nHead && "nKvHead",
  ].filter((option) => option !== false);
  if (foreign.length > 0) {
    throw new RangeError(
      `Cannot save the model as a GPT-2: expected only options of transformers' GPT-2, got ${
        foreign.join(", ")
      }. Use encodeSafetensors for its parameters instead.`,
    );
  }
  return {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    activation_function: ACTIVATION_NAMES.find(([, activation]) => activation === full.activation)![0],
    attn_pdrop: full.dropout,
    bos_token_id: end,
    embd_pdrop: full.dropout,
    eos_token_id: end,
    initializer_range: full.initStd,
    layer_norm_epsilon: full.layerNormEps,
    n_ctx: full.blockSize,
    n_embd: full.nEmbd,
    n_head: full.nHead,
    n_inner: full.nInner === 4 * full.nEmbd ? null : full.nInner,
    n_layer: full.nLayer,
    n_positions: full.blockSize,
    resid_pdrop: full.dropout,
    scale_attn_weights: true,
    tie_word_embeddings: full.tiedHead,
    vocab_size: full.vocabSize,
  };
}
