/**
 * A priority queue of adjacent id pairs by frequency, with the positions of each pair. `bpe_trainer.ts` uses it.
 *
 * The queue is a binary heap with lazy updates. A pair gains positions only during the merge that creates the newer of
 * its ids, and loses positions afterwards. The count of a queued entry can thus only be too high. A stale entry that
 * reaches the top is inserted again with its current count.
 *
 * @module
 */

/** A pair of ids, its current count, and the positions where it occurred when it was queued, in ascending order. */
interface Pair {
  readonly left: number;
  readonly right: number;
  readonly places: number[];
  count: number;
}

/** A pair with its count at the time it was queued. */
interface Entry {
  readonly pair: Pair;
  readonly count: number;
}

/**
 * A queue of pairs by descending count. Pairs of equal count are ordered by ascending left id, then ascending right id.
 */
export class PairQueue {
  readonly #vocabSize: number;
  readonly #minCount: number;
  readonly #pairs = new Map<number, Pair>();
  readonly #heap: Entry[] = [];
  /** Pairs added since the last flush. */
  #fresh: Pair[] = [];

  constructor(options: { vocabSize: number; minCount: number }) {
    // Keys stay exact for any vocabulary size: no text that fits a string gives 2^26 tokens.
    this.#vocabSize = Math.min(options.vocabSize, 2 ** 26);
    this.#minCount = options.minCount;
  }

  /**
   * Adds occurrences of a pair at one position.
   *
   * @param ids The two ids.
   * @param options `place`: the position. `weight`: number of occurrences in the text that the position stands for.
   */
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

  /**
   * Subtracts `weight` occurrences from the count of a pair. The position stays in the pair's list, so that the caller
   * must check whether the pair is still there.
   */
  remove(ids: readonly [number, number], weight: number): void {
    const pair = this.#pairs.get(ids[0] * this.#vocabSize + ids[1]);
    if (pair !== undefined) pair.count -= weight;
  }

  /** Queues the pairs added since the last flush. Their counts must be final. */
  flush(): void {
    for (const pair of this.#fresh) this.#push(pair);
    this.#fresh = [];
  }

  /** Removes and returns the most frequent pair. Returns undefined if no pair occurs at least `minCount` times. */
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
      // From here on the count only decreases: it stays in the map for removals, and the positions are dropped.
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

/** Returns whether one entry is merged before another. */
function comesFirst(a: Entry, b: Entry): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.pair.left !== b.pair.left) return a.pair.left < b.pair.left;
  return a.pair.right < b.pair.right;
}
