/**
 * `prepare_large.ts FILE CACHE TOKENIZER`: a process that encodes a file, caches the tokens on disk, and samples batches. It
 * prints JSON: its peak memory in bytes, the number of tokens, and whether every batch is part of the file.
 *
 * @module
 */
import { createBatches, loadTextFiles, prepareCorpus, type TokenizerName } from "../../lib/text/mod.ts";
import { peakRss } from "../bench/measure.ts";

const B = 8, T = 256, BATCHES = 200;

const [path = "", root = "", tokenizer = ""] = Deno.args;
const corpus = loadTextFiles(path);
using prepared = await prepareCorpus(corpus, {
  ...{ tokenizer: tokenizer as TokenizerName, cache: { root, version: "1" } },
});
const { train, validation, tokenizer: codec } = prepared;

/** Returns true if the file contains a text near the position of its tokens. */
function isInFile(ids: Int32Array, share: number): boolean {
  const bytes = codec.decodeBytes(ids);
  const around = Math.floor(share * prepared.trainBytes);
  const from = Math.max(0, around - 2 ** 18);
  const stretch = corpus.documents[0]!.read(from, new Uint8Array(Math.min(2 ** 19, corpus.bytes - from)));
  const latin1 = new TextDecoder("latin1");
  return latin1.decode(stretch).includes(latin1.decode(bytes));
}

let right = 0;
const batches = createBatches(train, { B, T, sampling: "shuffled", seed: 1 });
for (let i = 0; i < BATCHES; i++) {
  const { x, y } = batches.next();
  const shifted = x.subarray(1, T).every((id, t) => id === y[t]);
  if (i % 20 === 0) {
    const start = Math.floor(i / BATCHES * (train.length - T));
    if (!isInFile(train.subarray(start, start + T), start / train.length)) continue;
  }
  if (shifted) right++;
}
console.log(JSON.stringify({
  peak: peakRss() * 2 ** 20,
  tokens: train.length + validation.length,
  right: right === BATCHES,
}));
