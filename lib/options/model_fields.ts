/**
 * Options of the model.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/** Options of the model. */
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
    doc: "omit biases in linear layers and LayerNorms",
  },
  tiedHead: {
    type: "flag",
    default: true,
    added: true,
    flag: "untied-head",
    doc: "use separate weights for the output head, not the token embeddings",
  },
  qkNorm: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "apply LayerNorm to queries and keys",
  },
  logitSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "soft cap of the output logits; 0: none",
  },
  attentionSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "soft cap of the attention logits; 0: none",
  },
  initStd: {
    type: "number",
    default: 0.02,
    added: 0.02,
    above: 0,
    flag: true,
    doc: "standard deviation of initial weights",
  },
  layerNormEps: {
    type: "number",
    default: 1e-5,
    added: 1e-5,
    above: 0,
    flag: true,
    doc: "epsilon that LayerNorm adds to the variance",
  },
  activation: {
    type: "text",
    default: "gelu",
    added: "gelu",
    flag: true,
    choices: ["gelu", "geluErf", "relu", "relu2", "silu", "swiglu"],
    doc: "activation of the MLP: gelu, geluErf, relu, relu2, silu or swiglu",
  },
} as const satisfies Readonly<Record<string, RunField>>;
