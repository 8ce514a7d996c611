/**
 * Interrupt handling: the first signal requests a stop, a later signal forces it.
 *
 * @module
 */

/** SIGINTs within this time count as one Ctrl-C, in milliseconds. Through npx, each keypress is delivered twice. */
const SAME_KEYPRESS = 1000;

/** Signals that request a stop. Clusters send SIGUSR1 some time before they end a job. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"];

/**
 * A watch for signals. `dispose` ends it. If a signal arrived less than one second before, the watch continues until
 * the end of that second. npx sends each signal twice, and the second signal must not kill the process.
 */
export interface Interruption extends Disposable {
  /** Aborted at the first signal. */
  readonly requested: AbortSignal;
  /** Aborted at a signal more than one second after the first. */
  readonly insisted: AbortSignal;
}

/**
 * Starts to watch for SIGINT, SIGTERM, SIGHUP and SIGUSR1.
 *
 * @param now Returns the time in milliseconds. Default: `performance.now`.
 */
export function watchSignals(now: () => number = () => performance.now()): Interruption {
  const requested = new AbortController(), insisted = new AbortController();
  let first = 0;
  const handle = () => {
    if (!requested.signal.aborted) {
      first = now();
      requested.abort();
    } else if (now() - first > SAME_KEYPRESS) insisted.abort();
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, handle);
  return {
    requested: requested.signal,
    insisted: insisted.signal,
    [Symbol.dispose]() {
      const remove = () => {
        for (const signal of SIGNALS) Deno.removeSignalListener(signal, handle);
      };
      const left = requested.signal.aborted ? first + SAME_KEYPRESS - now() : 0;
      // The duplicate signal of a keypress must not kill a process that is shutting down in order.
      if (left > 0) Deno.unrefTimer(setTimeout(remove, left));
      else remove();
    },
  };
}

/**
 * Returns the watch that stops a call. Returns `interruption` if given. Otherwise, an abort of `signal` requests the
 * stop, and nothing forces it.
 */
export function interruptionOf(
  { signal, interruption }: { signal?: AbortSignal | undefined; interruption?: Interruption | undefined },
): Interruption {
  const never = new AbortController().signal;
  return interruption ?? { requested: signal ?? never, insisted: never, [Symbol.dispose]() {} };
}
