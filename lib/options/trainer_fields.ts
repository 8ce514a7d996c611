/**
 * Run options of the trainer: precision, schedule, optimizer and loss.
 *
 * @module
 */
import { FORMAT_NAMES, OP_CLASSES, OPERAND_NAMES, SCALED_FORMAT_NAMES } from "../precision/mod.ts";
import type { RunField } from "./run_field.ts";

/** Description of the option `overrides`. */
const OVERRIDES_DOC: string =
  "overrides of the number formats of the policy, as CLASS@LAYER=FORMAT, for example softmax@h.1=e8m3,linear=float32 " +
  `(h.0 is the first block). CLASS: ${
    OP_CLASSES.join(", ")
  }, or linear.OPERAND, where OPERAND is ${OPERAND_NAMES}. FORMAT: ` +
  `${FORMAT_NAMES}; linear also accepts ${SCALED_FORMAT_NAMES}. docs/precision.md describes them`;

/** Run options of the trainer, by name. */
export const TRAINER_FIELDS = {
  policy: {
    list: { name: "policy", flag: "amp <list>", doc: "precision policies, for example off,on" },
    type: "text",
    flag: "amp <policy>",
    doc: "precision policy; docs/precision.md lists the policies",
  },
  steps: { type: "whole", default: 100, least: 1, flag: "steps <n>", doc: "training steps" },
  execution: {
    type: "text",
    default: "graph",
    choices: ["graph", "eager"],
    flag: true,
    doc: "graph (one native call per step) or eager (one call per op)",
  },
  lr: { type: "number", default: 1e-3, above: 0, flag: true, doc: "peak learning rate" },
  minLr: {
    type: "number",
    least: 0,
    flag: true,
    doc: "learning rate at the last step; not used by the constant schedule",
    defaultDoc: "a tenth of lr",
  },
  warmupSteps: {
    type: "whole",
    default: 10,
    defaultDoc: "10, or 0 if steps is at most 10",
    least: 0,
    flag: true,
    doc: "steps of linear warm-up",
  },
  beta1: {
    type: "number",
    default: 0.9,
    least: 0,
    below: 1,
    flag: true,
    doc: "AdamW's beta1",
  },
  beta2: {
    type: "number",
    default: 0.99,
    least: 0,
    below: 1,
    flag: true,
    doc: "AdamW's beta2",
  },
  eps: { type: "number", default: 1e-8, above: 0, flag: true, doc: "AdamW's epsilon" },
  weightDecay: {
    type: "number",
    default: 0.1,
    least: 0,
    flag: true,
    doc:
      "weight decay of matrices and embeddings; decoupled for adamw and muon, added to the gradient for sgd",
  },
  clip: {
    type: "number",
    default: 1,
    least: 0,
    flag: true,
    doc: "maximum global gradient norm; larger gradients are scaled down; 0 disables clipping",
  },
  overrides: {
    type: "overrides",
    default: [],
    defaultDoc: "none",
    added: [],
    flag: "override <list>",
    doc: OVERRIDES_DOC as string,
  },
  schedule: {
    type: "text",
    default: "cosine",
    added: "cosine",
    flag: true,
    choices: ["cosine", "linear", "constant", "wsd"],
    module: true,
    doc:
      "learning rate after warm-up: cosine, linear, constant, or wsd (constant, then linear decay); or the path of a module",
  },
  decaySteps: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "steps of decay at the end of the run; only with the schedule wsd, which requires at least 1",
  },
  optimizer: {
    type: "text",
    default: "adamw",
    added: "adamw",
    choices: ["adamw", "sgd", "muon"],
    module: true,
    flag: true,
    doc:
      "optimizer: adamw, sgd, or muon (Muon for the matrices of blocks, AdamW for the other parameters); or the path of a module",
  },
  muonLr: {
    type: "number",
    default: 0.02,
    added: 0.02,
    above: 0,
    flag: true,
    doc:
      "peak learning rate of the matrices that Muon updates; lr is the peak learning rate of the other parameters",
  },
  muonMomentum: {
    type: "number",
    default: 0.95,
    added: 0.95,
    least: 0,
    below: 1,
    flag: true,
    doc: "momentum of Muon",
  },
  nsDtype: {
    type: "text",
    default: "bf16",
    added: "bf16",
    choices: ["bf16", "float32"],
    flag: true,
    doc: "number format of Muon's Newton-Schulz iterations: bf16 or float32",
  },
  loss: {
    type: "text",
    default: "crossEntropy",
    added: "crossEntropy",
    choices: ["crossEntropy"],
    module: true,
    flag: true,
    doc: "training loss: crossEntropy, or the path of a module",
  },
  momentum: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "momentum of SGD; 0 disables it",
  },
  nesterov: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "use Nesterov momentum with SGD",
  },
  accumulate: {
    type: "whole",
    default: 1,
    added: 1,
    least: 1,
    flag: true,
    doc: "micro-batches per step (gradient accumulation); must divide the batch size",
  },
  emaDecay: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "decay per step of the exponential moving average of weights; 0 disables it",
  },
  labelSmoothing: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "label smoothing epsilon of the training loss; 0 disables it",
  },
  zLoss: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc:
      "coefficient of the z-loss (log Z)^2 in the training loss, where Z is the sum of exp(logits); 0 disables it",
  },
} as const satisfies Readonly<Record<string, RunField>>;
