/**
 * Counts of neighbouring ids with their places, and the most frequent pair first: the data structure of
 * `bpe_trainer.ts`. It knows nothing of text.
 *
 * A binary heap whose entries may be out of date: a pair gains places only during the one merge that makes its newer
 * id, and only loses afterwards, so an entry is at worst too high, and is put back lower when it comes up.
 *
 * @module
 */

/** A pair of ids, how often it occurs, and where it occurred when it was made, in rising order. */
interface Pair {
  readonly left: number;
  readonly right: number;
  readonly places: number[];
  count: number;
}

/** A pair with the count it had when it was queued. */
interface Entry {
  readonly pair: Pair;
  readonly count: number;
}

/** Pairs by falling count; equals by rising left id, then rising right id. */
export class PairQueue {
  readonly #vocabSize: number;
  readonly #minCount: number;
  readonly #pairs = new Map<number, Pair>();
  readonly #heap: Entry[] = [];
  /** Pairs that were added since the last flush. */
  #fresh: Pair[] = [];

  constructor(options: { vocabSize: number; minCount: number }) {
    // However large a vocabulary is asked for, keys stay exact: no text of a string's length makes 2^26 tokens.
    this.#vocabSize = Math.min(options.vocabSize, 2 ** 26);
    this.#minCount = options.minCount;
  }

  /** Counts one more place of a pair. */
  add(ids: readonly [number, number], options: { place: number; weight: number }): void {
    const [left, right] = ids;
    const key = left * this.#vocabSize + right;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = { left, right, places: [], count: 0 };
      this.#pairs.set(key, pair);
      this.#fresh.push(pair);
    }
    pair.places.push(options.place);
    pair.count += options.weight;
  }

  /** Counts one place less; the place itself stays listed, and the caller finds it changed. */
  remove(ids: readonly [number, number], weight: number): void {
    const pair = this.#pairs.get(ids[0] * this.#vocabSize + ids[1]);
    if (pair !== undefined) pair.count -= weight;
  }

  /** Queues the pairs added since the last flush, now that their counts are final. */
  flush(): void {
    for (const pair of this.#fresh) this.#push(pair);
    this.#fresh = [];
  }

  /** Takes out the most frequent pair, or nothing if none occurs at least `minCount` times. */
  takeMostFrequent(): Pair | undefined {
    while (true) {
      const entry = this.#pop();
      if (entry === undefined) return undefined;
      const { pair, count } = entry;
      if (pair.count === count) {
        this.#pairs.delete(pair.left * this.#vocabSize + pair.right);
        return pair;
      }
      this.#push(pair);
    }
  }

  #push(pair: Pair): void {
    if (pair.count < this.#minCount) {
      // It can only lose; the counts stay in the map for removals, the places are not needed any more.
      pair.places.length = 0;
      return;
    }
    const heap = this.#heap;
    const entry = { pair, count: pair.count };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!comesFirst(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let index = 0;
    while (true) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesFirst(heap[child + 1]!, heap[child]!)) child += 1;
      if (!comesFirst(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

/** Whether one entry is to be joined before another. */
function comesFirst(a: Entry, b: Entry): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.pair.left !== b.pair.left) return a.pair.left < b.pair.left;
  return a.pair.right < b.pair.right;
}
