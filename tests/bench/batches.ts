/**
 * The batches of the benchmark, the same numbers in every library (`peers/common.py` has the other copy): tokens from
 * three tenths of the vocabulary; a target is a function of its token, so that loss falls.
 *
 * @module
 */

/** Ids and targets, one pair a step, without end. */
export function* benchBatches(
  { vocab, count }: { vocab: number; count: number },
): Generator<{ ids: Int32Array; targets: Int32Array }> {
  const high = Math.max(1, Math.floor(vocab * 3 / 10));
  let state = 1337;
  while (true) {
    const ids = Int32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Knuth's and Lewis's generator, as in Numerical Recipes
      return (state >>> 8) % high;
    });
    yield { ids, targets: ids.map((id) => (id * 7 + 3) % vocab) };
  }
}
