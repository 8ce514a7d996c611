/**
 * Ctrl-C and its kin: the first asks to stop, a later one insists.
 *
 * @module
 */

/** Two SIGINTs within this time are one Ctrl-C: through npx each arrives twice. In milliseconds. */
const SAME_KEYPRESS = 1000;

/** Signals that ask a run to stop; clusters send SIGUSR1 some time before they end a job. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"];

/** What watches for signals; dispose of it to stop, at once or, where one has just come, once its duplicate must have arrived. */
export interface Interruption extends Disposable {
  /** Aborted at the first signal. */
  readonly requested: AbortSignal;
  /** Aborted at a signal that comes more than a second after the first. */
  readonly insisted: AbortSignal;
}

/** Watches for signals. `now` tells the time in milliseconds. */
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
      // A keypress's second signal must not find nobody and kill a process that ends in order.
      if (left > 0) Deno.unrefTimer(setTimeout(remove, left));
      else remove();
    },
  };
}
