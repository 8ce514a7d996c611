/**
 * Deadlines of runs, such as the time limit of a cluster job.
 *
 * @module
 */

/** Polling interval in milliseconds. Polling also avoids timers beyond 24.8 days, which would fire at once. */
const POLL_MS = 500;

/** A running deadline timer. Dispose it to stop polling. */
export interface Deadline extends Disposable {
  /** Signal that aborts when the run must stop. */
  readonly reached: AbortSignal;
}

/**
 * Polls the wall clock and aborts a signal `margin` before a deadline.
 *
 * @param at The deadline in milliseconds since 1970. Infinity disables it.
 * @param options `margin` in milliseconds (default 60,000), and the clock `now`.
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
