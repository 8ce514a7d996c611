/**
 * Batches of the benchmark, equal in all libraries (`peers/common.py` has the same generator). Tokens come from 30 % of the
 * vocabulary. A target is a function of its token, so that the loss decreases.
 *
 * @module
 */

/** Yields token IDs and targets, one pair per step, endlessly. */
export function* benchBatches(
  { vocab, count }: { vocab: number; count: number },
): Generator<{ ids: Int32Array; targets: Int32Array }> {
  const high = Math.max(1, Math.floor(vocab * 3 / 10));
  let state = 1337;
  while (true) {
    const ids = Int32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // linear congruential generator of Numerical Recipes
      return (state >>> 8) % high;
    });
    yield { ids, targets: ids.map((id) => (id * 7 + 3) % vocab) };
  }
}
