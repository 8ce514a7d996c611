/**
 * A time by which a run must have stopped, such as the end of what a cluster granted.
 *
 * @module
 */

/** Time between two looks at the clock, in milliseconds. A timer of days would come at once: theirs end at 24.8 days. */
const LOOK = 500;

/** What watches for a deadline; dispose of it to stop. */
export interface Deadline extends Disposable {
  /** Aborted when it is time to stop. */
  readonly reached: AbortSignal;
}

/**
 * Watches for a deadline by the wall clock, as those who state one do.
 *
 * @param at When all must be over, in milliseconds since 1970; Infinity: never.
 * @param options `margin`, milliseconds before it at which to stop (default 60 s), and the clock.
 */
export function watchDeadline(
  at: number,
  { margin = 60_000, now = Date.now }: { margin?: number; now?: () => number } = {},
): Deadline {
  const reached = new AbortController();
  const look = () => now() >= at - margin && reached.abort();
  look();
  const timer = at === Infinity ? undefined : setInterval(look, LOOK);
  return { reached: reached.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
