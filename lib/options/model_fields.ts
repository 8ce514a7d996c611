/**
 * Run options of the model.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/** Run options of the model, by name. */
export const MODEL_FIELDS = {
  nLayer: {
    type: "whole",
    default: 4,
    least: 1,
    most: 1000,
    flag: true,
    doc: "number of transformer blocks (layers)",
  },
  nHead: {
    type: "whole",
    default: 4,
    least: 1,
    most: 1e6,
    flag: true,
    doc: "number of attention heads",
  },
  nEmbd: {
    type: "whole",
    default: 128,
    least: 1,
    most: 1e6,
    flag: true,
    doc: "width C of the residual stream",
  },
  dropout: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "dropout probability during training",
  },
  bias: {
    type: "flag",
    default: true,
    added: true,
    flag: "without-bias",
    doc: "use biases in linear layers and normalization layers",
    flagDoc: "omit biases in linear layers and normalization layers",
  },
  tiedHead: {
    type: "flag",
    default: true,
    added: true,
    flag: "untied-head",
    doc: "share the weights of the output head with the token embedding",
    flagDoc: "do not share the weights of the output head with the token embedding",
  },
  qkNorm: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "normalize the queries and keys of each attention head",
  },
  logitSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "soft cap c of the output logits x, c tanh(x / c); 0 disables it",
  },
  attentionSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "soft cap c of the attention logits x, c tanh(x / c); 0 disables it",
  },
  initStd: {
    type: "number",
    default: 0.02,
    added: 0.02,
    above: 0,
    flag: true,
    doc:
      "standard deviation of initial weights; divided by sqrt(2 nLayer) for matrices that write to the residual stream",
  },
  layerNormEps: {
    type: "number",
    default: 1e-5,
    added: 1e-5,
    above: 0,
    flag: true,
    doc: "epsilon of normalization layers, added to the variance (layerNorm) or the mean square (rmsNorm)",
  },
  activation: {
    type: "text",
    default: "gelu",
    added: "gelu",
    flag: true,
    choices: ["gelu", "geluErf", "relu", "relu2", "silu", "swiglu"],
    doc:
      "activation of the MLP: gelu (tanh approximation), geluErf (exact), relu, relu2 (squared ReLU), silu or swiglu",
  },
  nInner: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    most: 1e6,
    flag: true,
    doc: "width of the MLP's hidden layer; 0: 4 C, or 8 ⌈C / 3⌉ with swiglu, where C is nEmbd",
  },
  norm: {
    type: "text",
    default: "layerNorm",
    added: "layerNorm",
    flag: true,
    choices: ["layerNorm", "rmsNorm"],
    doc: "normalization: layerNorm or rmsNorm",
  },
  position: {
    type: "text",
    default: "learned",
    added: "learned",
    flag: true,
    choices: ["learned", "rotary"],
    doc: "position encoding: learned (position embeddings) or rotary (RoPE)",
  },
  ropeTheta: {
    type: "number",
    default: 10000,
    added: 10000,
    above: 0,
    most: 1e9,
    flag: true,
    doc: "base of the rotary frequencies (RoPE theta)",
  },
  ropeScaling: {
    type: "text",
    default: "none",
    added: "none",
    flag: "rope-scaling <scaling>",
    doc:
      "scaling of the rotary frequencies: none, linear:FACTOR, or llama3:FACTOR,LOW,HIGH,LENGTH (Hugging Face's factor, low_freq_factor, high_freq_factor and original_max_position_embeddings)",
  },
  nKvHead: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    most: 1e6,
    flag: true,
    doc: "number of key and value heads (grouped-query attention); 0: the same as nHead",
  },
} as const satisfies Readonly<Record<string, RunField>>;
