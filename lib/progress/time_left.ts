/**
 * Estimates of the remaining time, from the speed so far.
 *
 * @module
 */

/** Progress required before the first estimate: this many items, or this share of the work. */
const ITEMS = 3, SHARE = 0.05;

/**
 * An estimator of the time left, from the speed so far. The first call marks the start. The first item is not counted,
 * since its time includes start-up and tracing. Items finished before the first call, as in a resumed run, are not
 * counted either.
 */
export class TimeLeft {
  #base: number | undefined;
  #first: { done: number; time: number } | undefined;

  /**
   * Records progress and returns the estimate.
   *
   * @param done Number of finished items, including those before the first call.
   * @param total Total number of items.
   * @param time The time in milliseconds.
   * @returns The time left in seconds. Undefined at the start (before the third item, or before 5 % of the items if
   * that is earlier) and at the end.
   */
  estimate(done: number, total: number, time: number): number | undefined {
    if (this.#base === undefined || done < this.#base) {
      this.#base = done;
      this.#first = undefined;
    }
    const made = done - this.#base;
    if (made === 0) return undefined;
    this.#first ??= { done, time };
    const measured = done - this.#first.done;
    if (measured <= 0 || done >= total || made < Math.min(ITEMS, SHARE * (total - this.#base))) {
      return undefined;
    }
    return (time - this.#first.time) / 1000 * (total - done) / measured;
  }
}
