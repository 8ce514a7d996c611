/**
 * Learning of the merges of a byte-pair tokenizer from text. The most frequent pair of adjacent tokens becomes a new
 * token, repeatedly (Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", 2016).
 * `bpe_tokenizer.ts` applies the merges.
 *
 * The trainer works on distinct pieces with their counts. After each merge it updates only the pairs next to the merged
 * positions.
 *
 * @module
 */

import { formatCount, requireInteger, requireWellFormed } from "./_checks.ts";
import { PairQueue } from "./_pair_queue.ts";
import { copyPiece, forEachPiece } from "./_pieces.ts";
import { type BpeTokenizer, createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";

/** Minimum count of a merged pair. A pair seen once would give a token that training sees at most once. */
const MIN_PAIR_COUNT = 2;

/**
 * Trains a byte-pair tokenizer on a text. Of several pairs with the same count, the pair with the smallest left id is
 * merged first, then the one with the smallest right id. The merges thus depend on the text alone. The merges of a
 * smaller vocabulary are the first merges of a larger vocabulary.
 *
 * @param text Training text, well-formed Unicode.
 * @param options `vocabSize`: vocabulary size V, at least 256.
 * @throws {RangeError} If V is not an integer of at least 256, or the text has a lone surrogate. Also if fewer than V -
 * 256 pairs occur at least twice. The message then has the number of possible merges.
 */
export function trainBpe(text: string, options: { vocabSize: number }): BpeTokenizer {
  const { vocabSize } = options;
  requireInteger(vocabSize, { action: ACTION, name: "vocabSize", min: 256 });
  requireWellFormed(text, ACTION);
  return vocabularyOf(learnMerges([text], vocabSize), vocabSize);
}

const ACTION = "train a byte-pair tokenizer";

/**
 * Creates the byte-pair tokenizer of vocabulary size V with the first V - 256 of the given merges.
 *
 * @param merges Learned merges.
 * @param vocabSize Vocabulary size V.
 * @throws {RangeError} If there are fewer than V - 256 merges. The message has the number of merges.
 */
export function vocabularyOf(merges: readonly Merge[], vocabSize: number): BpeTokenizer {
  if (merges.length >= vocabSize - 256) return createBpeTokenizer(merges.slice(0, vocabSize - 256));
  throw new RangeError(
    `Cannot ${ACTION}: expected vocabSize <= ${formatCount(256 + merges.length)} for this text ` +
      `(256 bytes and ${formatCount(merges.length)} possible merges of pairs seen at least twice), ` +
      `got ${formatCount(vocabSize)}. Choose a smaller vocabulary or a longer text`,
  );
}

/**
 * Learns up to V - 256 merges. Learns fewer if no remaining pair occurs at least twice.
 *
 * @param texts Parts of the training text. Pairs that cross two parts do not count.
 * @param vocabSize Vocabulary size V.
 */
export function learnMerges(texts: Iterable<string>, vocabSize: number): Merge[] {
  return joinPairs(countPieces(texts), vocabSize);
}

/** Counts the occurrences of each distinct piece. */
function countPieces(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    forEachPiece(text, (piece) => {
      const count = counts.get(piece);
      counts.set(count === undefined ? copyPiece(piece) : piece, (count ?? 0) + 1);
    });
  }
  return counts;
}

/**
 * All distinct pieces, concatenated as linked lists of ids. A position keeps its number through all merges. A position
 * whose id was merged into the previous one has the id -1.
 */
interface Places {
  readonly ids: Int32Array;
  /** The previous position, or -1 at the start of a piece. */
  readonly before: Int32Array;
  /** The next position, or -1 at the end of a piece. */
  readonly after: Int32Array;
  /** Number of occurrences in the text of the piece at each position. */
  readonly weights: Float64Array;
}

/** Learns the merges of pieces, most frequent pair first. */
function joinPairs(pieces: ReadonlyMap<string, number>, vocabSize: number): Merge[] {
  const places = layOut(pieces);
  const { ids, before, after, weights } = places;
  const pairs = new PairQueue({ vocabSize, minCount: MIN_PAIR_COUNT });
  for (let place = 0; place < ids.length; place++) {
    const next = after[place]!;
    if (next >= 0) pairs.add([ids[place]!, ids[next]!], { place, weight: weights[place]! });
  }
  pairs.flush();

  const merges: Merge[] = [];
  const tokens = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)), known = new Set(tokens);
  while (256 + merges.length < vocabSize) {
    const pair = pairs.takeMostFrequent();
    if (pair === undefined) break;
    const { left, right } = pair;
    const written = tokens[left]! + tokens[right]!;
    // The same bytes, split elsewhere, are a token already: a second id for them would be redundant.
    if (known.has(written)) continue;
    tokens.push(written);
    known.add(written);
    const joined = 256 + merges.length;
    // Positions are in ascending order, so in "aaa" the first two are merged, as the encoder does.
    for (const place of pair.places) {
      const next = after[place]!;
      if (ids[place] !== left || next < 0 || ids[next] !== right) continue; // changed by an earlier merge
      const weight = weights[place]!;
      const previous = before[place]!;
      const following = after[next]!;
      if (previous >= 0) {
        pairs.remove([ids[previous]!, left], weight);
        pairs.add([ids[previous]!, joined], { place: previous, weight });
      }
      if (following >= 0) {
        pairs.remove([right, ids[following]!], weight);
        pairs.add([joined, ids[following]!], { place, weight });
        before[following] = place;
      }
      ids[place] = joined;
      ids[next] = -1;
      after[place] = following;
    }
    pairs.flush();
    merges.push([left, right]);
  }
  return merges;
}

/** Lays out every distinct piece as a list of its bytes. */
function layOut(pieces: ReadonlyMap<string, number>): Places {
  const encoder = new TextEncoder();
  const encoded = Array.from(pieces, ([piece, count]) => ({ bytes: encoder.encode(piece), count }));
  const size = encoded.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const ids = new Int32Array(size);
  const before = new Int32Array(size);
  const after = new Int32Array(size);
  const weights = new Float64Array(size);
  let start = 0;
  for (const { bytes, count } of encoded) {
    const end = start + bytes.length;
    ids.set(bytes, start);
    weights.fill(count, start, end);
    for (let place = start; place < end; place++) {
      before[place] = place === start ? -1 : place - 1;
      after[place] = place === end - 1 ? -1 : place + 1;
    }
    start = end;
  }
  return { ids, before, after, weights };
}
