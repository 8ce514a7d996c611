/**
 * Options of the training loop: batches, evaluations and checkpoints.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/**
 * Returns options without a limit of bytes if they have a limit of tokens, but no limit of bytes. The default limit of bytes
 * would limit the tokens, too.
 */
export function withOneEvalLimit<O extends object>(options: O): O {
  const { evalTokens, evalBytes } = options as { evalTokens?: unknown; evalBytes?: unknown };
  return evalTokens !== undefined && evalBytes === undefined ? { ...options, evalBytes: "all" } : options;
}

/** Options of the training loop: batches, evaluations and checkpoints. */
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
    doc: "bytes of validation text per evaluation, the same text for every tokenizer; or all",
  },
  evalTokens: {
    type: "tokens",
    default: "all",
    defaultDoc: "not set",
    least: 1,
    most: 1e12,
    flag: "eval-tokens <n>",
    doc:
      "tokens of validation text per evaluation, instead of a number of bytes; in a sweep, only if all runs have one tokenizer; or all",
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
    doc: "order of the windows: random, sequential, or shuffled (each window once per epoch)",
  },
  probeEvery: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "probes <n>",
    doc:
      "record probe metrics (gradients, updates, activations, attention, log Z, loss by position) every n steps; 0 disables it",
  },
  patience: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "stop training after this many evaluations without improvement; 0 disables it",
  },
  minDelta: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "smallest decrease of the validation loss that counts as improvement, in nats per token",
  },
  saveBest: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "keep the weights of the best evaluation in best.safetensors",
  },
} as const satisfies Readonly<Record<string, RunField>>;
