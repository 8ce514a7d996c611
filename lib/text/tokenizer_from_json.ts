/**
 * Makes a tokenizer again from its JSON, such as a checkpoint keeps. The JSON's form is in `tokenizer.ts`.
 *
 * @module
 */

import { createBpeTokenizer } from "./bpe_tokenizer.ts";
import { characterTokenizerFromJSON } from "./character_tokenizer.ts";
import type { Tokenizer, TokenizerJson } from "./tokenizer.ts";

/**
 * Makes the tokenizer that {@linkcode Tokenizer.toJSON} described.
 *
 * @param json The parsed JSON; it may come from a file, so its form is checked.
 * @throws {TypeError} if it is not the JSON of a tokenizer.
 * @throws {RangeError} if its alphabet or merges contradict themselves.
 */
export function tokenizerFromJSON(json: TokenizerJson): Tokenizer {
  const value: unknown = json;
  if (typeof value === "object" && value !== null && "kind" in value) {
    if (value.kind === "character" && "alphabet" in value && typeof value.alphabet === "string") {
      return characterTokenizerFromJSON({ kind: "character", alphabet: value.alphabet });
    }
    if (value.kind === "bpe" && "merges" in value && isMergeList(value.merges)) {
      return createBpeTokenizer(value.merges);
    }
  }
  throw new TypeError(
    'Cannot load a tokenizer: the JSON must be {"kind": "character", "alphabet": text} or ' +
      `{"kind": "bpe", "merges": [[left, right], ...]}: it is ${
        (JSON.stringify(value) ?? "undefined").slice(0, 200)
      }`,
  );
}

function isMergeList(value: unknown): value is [number, number][] {
  return Array.isArray(value) &&
    value.every((merge) => Array.isArray(merge) && merge.length === 2 && merge.every(Number.isInteger));
}
