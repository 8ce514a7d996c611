/**
 * Estimates of the remaining time, from the speed so far.
 *
 * @module
 */

/** Progress required before the first estimate: this many items, or this share of the work. */
const ITEMS = 3, SHARE = 0.05;

/**
 * An estimator of the time left. It measures speed from the end of the first item, since the first item includes
 * start-up and tracing. Work finished before the first call, as in a resumed run, does not count toward the speed.
 */
export class TimeLeft {
  #base: number | undefined;
  #first: { done: number; time: number } | undefined;

  /**
   * Records progress and returns the estimate.
   *
   * @param done Finished work, including earlier runs.
   * @param total Total work.
   * @param time The time in milliseconds.
   * @returns The time left in seconds; undefined if it is too early to estimate, or the work is done.
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
