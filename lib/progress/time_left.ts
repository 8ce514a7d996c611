/**
 * The time that is left, from the speed so far.
 *
 * @module
 */

/** Sooner there is no estimate: this many items, or this share of what there was to do. */
const ITEMS = 3, SHARE = 0.05;

/**
 * Estimates the time left of what is counted. The first item is no measure of speed, since it waits for start-up and
 * tracing; nor is what was done before the first call, by a run that is resumed.
 */
export class TimeLeft {
  #base: number | undefined;
  #first: { done: number; time: number } | undefined;

  /**
   * To be called whenever more is done.
   *
   * @param done How much is done, with what was done before.
   * @param total When it is done.
   * @param time The time in milliseconds.
   * @returns Seconds; undefined: it is too early to tell, or done.
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
