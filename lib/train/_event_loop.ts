/**
 * Waits for the event loop during synchronous training steps.
 *
 * @module
 */

/**
 * Minimum time between two waits in milliseconds. A wait takes about 2 ms (Deno 2.9), more than a step of a small model.
 */
const INTERVAL = 100;

/**
 * Lets the event loop run between training steps. Only then are signals delivered, timers called, and rejected promises
 * reported. It must be a timer: microtasks do not suffice, and `setImmediate` delays signals by up to 20 steps.
 */
export class EventLoopWaits {
  #last = performance.now();

  /**
   * Waits for the event loop, unless the last wait was less than 100 ms ago.
   *
   * @param options `always`: true to wait in any case.
   */
  async wait({ always = false }: { always?: boolean } = {}): Promise<void> {
    if (!always && performance.now() - this.#last < INTERVAL) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#last = performance.now();
  }
}
