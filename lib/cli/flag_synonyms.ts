/**
 * Flags of other training programs with the flags of losskit that mean the same, for errors on unknown flags.
 *
 * @module
 */

/** Flags of losskit by flags of other programs. A command suggests the first that it has. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  ...asKeys(["policy", "precision", "dtype", "mixed-precision", "autocast", "bf16", "fp16"], ["amp"]),
  ...asKeys(["learning-rate", "max-lr"], ["lr"]),
  ...asKeys(["batch-size", "per-device-train-batch-size", "bs"], ["batch", "tokens-per-step"]),
  ...asKeys(["block-size", "context", "context-length", "seq-len", "seq-length", "max-length", "t"], ["seq"]),
  ...asKeys(["epochs", "num-epochs", "max-iters", "iters", "max-steps", "iterations"], ["steps"]),
  ...asKeys(["tokenizer", "vocab-size"], ["vocab"]),
  ...asKeys(["layers", "num-layers", "depth"], ["n-layer"]),
  ...asKeys(["heads", "num-heads"], ["n-head"]),
  ...asKeys(["hidden-size", "d-model", "width", "embd"], ["n-embd"]),
  ...asKeys(["output", "output-dir", "out-dir", "dir", "folder"], ["out"]),
  ...asKeys(["jobs", "num-workers", "parallel", "j"], ["workers"]),
  ...asKeys(["seed", "random-seed"], ["seeds", "seed"]),
  ...asKeys(["dataset", "corpus", "text", "input"], ["data"]),
  ...asKeys(["watch", "live", "browser"], ["open", "watch"]),
};

function asKeys(words: readonly string[], flags: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(words.map((word) => [word, flags]));
}

/**
 * Replaces commander's suggestion in an error on an unknown flag, if another program's flag has a counterpart.
 *
 * @param error Commander's message.
 * @param own Flags of the command with their dashes.
 */
export function withSynonym(error: string, own: readonly string[]): string {
  const [whole, word = ""] = /^error: unknown option '--?([A-Za-z0-9_-]+)(?:=[^']*)?'/.exec(error) ?? [];
  const key = word.toLowerCase().replaceAll("_", "-");
  const found = Object.hasOwn(SYNONYMS, key)
    ? SYNONYMS[key]!.find((flag) => own.includes(`--${flag}`))
    : undefined;
  return whole === undefined || found === undefined ? error : `${whole}\n(Did you mean --${found}?)\n`;
}
