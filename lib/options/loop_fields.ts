/**
 * Run options of the training loop: batches, evaluations and checkpoints.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/**
 * Sets `evalBytes` to `all` if `evalTokens` is given and `evalBytes` is not. Otherwise, the default of `evalBytes`
 * would limit the evaluation in addition to `evalTokens`.
 */
export function withOneEvalLimit<O extends object>(options: O): O {
  const { evalTokens, evalBytes } = options as { evalTokens?: unknown; evalBytes?: unknown };
  return evalTokens !== undefined && evalBytes === undefined ? { ...options, evalBytes: "all" } : options;
}

/** Run options of the training loop, by name. */
export const LOOP_FIELDS = {
  evalEvery: {
    type: "whole",
    default: 50,
    least: 1,
    flag: true,
    doc: "steps between evaluations",
  },
  evalBytes: {
    type: "tokens",
    default: 16384,
    defaultDoc: "16384; not used with evalTokens",
    added: "all",
    least: 1,
    most: 1e12,
    flag: "eval-bytes <n>",
    doc: "bytes of validation text per evaluation, or all; every tokenizer is evaluated on the same text",
  },
  evalTokens: {
    type: "tokens",
    default: "all",
    defaultDoc: "not set",
    least: 1,
    most: 1e12,
    flag: "eval-tokens <n>",
    doc:
      "tokens of validation text per evaluation, or all; replaces evalBytes; a sweep accepts it only if all runs have the same tokenizer",
  },
  checkpointEvery: {
    type: "whole",
    default: 50,
    least: 1,
    flag: true,
    doc: "steps between checkpoints",
  },
  sampling: {
    type: "text",
    default: "random",
    added: "random",
    flag: true,
    choices: ["random", "sequential", "shuffled"],
    doc:
      "order of training sequences: random (random positions), sequential (in the order of the text), or shuffled (each sequence once per epoch, in random order)",
  },
  probeEvery: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "probes <n>",
    doc:
      "record probe metrics (gradients, updates, activations, attention, log-sum-exp of logits, loss by position) every n steps; 0 disables them",
  },
  patience: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc:
      "stop training after this many evaluations without improvement of the validation loss; 0 disables early stopping",
  },
  minDelta: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc:
      "the validation loss improves if it is below the best one by more than this, in nats per token (for patience and saveBest)",
  },
  saveBest: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "keep the weights with the lowest validation loss in best.safetensors",
  },
} as const satisfies Readonly<Record<string, RunField>>;
