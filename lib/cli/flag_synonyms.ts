/**
 * Flags of other training programs with the flags of losskit that mean the same, for errors on unknown flags.
 *
 * @module
 */

/** Flags of other programs, and those of losskit that mean the same. A command suggests the first that it has. */
const SYNONYMS: readonly (readonly [words: readonly string[], flags: readonly string[]])[] = [
  [["policy", "precision", "dtype", "mixed-precision", "autocast", "bf16", "fp16"], ["amp"]],
  [["learning-rate", "max-lr"], ["lr"]],
  [["batch-size", "per-device-train-batch-size", "bs"], ["batch", "tokens-per-step"]],
  [[
    "block-size",
    "context",
    "context-length",
    "sequence",
    "sequence-length",
    "seq-len",
    "seq-length",
    "max-length",
    "t",
  ], ["seq"]],
  [["epochs", "num-epochs", "max-iters", "iters", "max-steps", "iterations"], ["steps"]],
  [["tokenizer", "vocab-size"], ["vocab"]],
  [["layers", "num-layers", "depth"], ["n-layer"]],
  [["heads", "num-heads"], ["n-head"]],
  [["hidden-size", "d-model", "width", "embd"], ["n-embd"]],
  [["output", "output-dir", "out-dir", "dir", "folder"], ["out"]],
  [["jobs", "num-workers", "parallel", "j"], ["workers"]],
  [["seed", "random-seed"], ["seeds", "seed"]],
  [["dataset", "corpus", "text", "input"], ["data"]],
  [["watch", "live", "browser"], ["open", "watch"]],
];

/**
 * Improves commander's error for an unknown flag. If the flag belongs to another training program, the error suggests
 * losskit's flag with the same meaning.
 *
 * @param error Commander's message.
 * @param own Flags of the command, including the dashes.
 */
export function withSynonym(error: string, own: readonly string[]): string {
  const [whole, word = ""] = /^error: unknown option '--?([A-Za-z0-9_-]+)(?:=[^']*)?'/.exec(error) ?? [];
  const key = word.toLowerCase().replaceAll("_", "-");
  const [, flags = []] = SYNONYMS.find(([words]) => words.includes(key)) ?? [];
  const found = flags.find((flag) => own.includes(`--${flag}`));
  return whole === undefined || found === undefined ? error : `${whole}\n(Did you mean --${found}?)\n`;
}
