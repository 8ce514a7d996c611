/**
 * Checks that a function given to us is synchronous.
 *
 * @module
 */

/**
 * Refuses an `async` function before it is called.
 *
 * @param what What it was given for, such as `compile f`.
 */
export function refuseAsync(what: string, fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot ${what}: expected a function, got ${fn === null ? "null" : typeof fn}.`);
  }
  if (/^Async/.test(fn.constructor.name)) throw asynchronous(what, "an async function");
}

/**
 * Refuses a promise that a function returned. Its rejection is handled, since nobody gets the promise.
 *
 * @param what What the function was given for.
 */
export function refusePromise(what: string, result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") return;
  Promise.resolve(result).catch(() => {});
  throw asynchronous(what, "a function that returns a promise");
}

function asynchronous(what: string, given: string): TypeError {
  return new TypeError(
    `Cannot ${what}: expected a function that returns when its operations are done, got ${given}. ` +
      "Await outside of it.",
  );
}
