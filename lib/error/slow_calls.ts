/**
 * Notes about calls of users' code that do not return.
 *
 * @module
 */
import type { CallObserver } from "./user_code.ts";

/**
 * Returns an observer that prints a note about a call that takes long, from a thread that starts with the first call. The
 * thread keeps this process alive: it must exit explicitly.
 *
 * @param every Time until the first note and between notes, in milliseconds. Default: 30,000.
 */
export function noteSlowCalls(every = 30_000): CallObserver {
  let thread: Worker | undefined;
  return (call) => {
    thread ??= new Worker(new URL("./_slow_call_thread.ts", import.meta.url), {
      type: "module",
      name: String(every),
    });
    thread.postMessage(call);
  };
}
