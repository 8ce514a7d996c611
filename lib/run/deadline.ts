/**
 * Deadlines of runs, such as the time limit of a cluster job.
 *
 * @module
 */

/** Polling interval in milliseconds. Polling also avoids timers beyond 24.8 days, which would fire at once. */
const POLL_MS = 500;

/** A deadline that is being watched. `using` ends the watch. */
export interface Deadline extends Disposable {
  /** Aborted when the run must stop. */
  readonly reached: AbortSignal;
}

/**
 * Watches the wall clock, and aborts a signal some time before a deadline.
 *
 * @param at The deadline in milliseconds since 1970. Infinity: no deadline.
 * @param options `margin`: time before the deadline at which the signal is aborted, in milliseconds (default: 60,000).
 * `now`: returns the time in milliseconds since 1970 (default: `Date.now`).
 */
export function watchDeadline(
  at: number,
  { margin = 60_000, now = Date.now }: { margin?: number; now?: () => number } = {},
): Deadline {
  const reached = new AbortController();
  const poll = () => now() >= at - margin && reached.abort();
  poll();
  const timer = at === Infinity ? undefined : setInterval(poll, POLL_MS);
  return { reached: reached.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
