/**
 * Refuses asynchronous functions.
 *
 * @module
 */
import { typeName } from "../../error/type_name.ts";

/**
 * Throws if a function is `async`, before the function is called.
 *
 * @param what The action for the error message, such as `compile f`.
 * @throws {TypeError} If `fn` is an `async` function or not a function.
 */
export function refuseAsync(what: string, fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot ${what}: expected a function, got ${typeName(fn)}.`);
  }
  if (/^Async/.test(fn.constructor.name)) throw asynchronous(what, "an async function");
}

/**
 * Throws if a function returned a promise. A later rejection of the promise is ignored, because no caller receives the
 * promise.
 *
 * @param what The action for the error message, such as `compile f`.
 * @throws {TypeError} If `result` is a promise.
 */
export function refusePromise(what: string, result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") return;
  Promise.resolve(result).catch(() => {});
  throw asynchronous(what, "a function that returns a promise");
}

function asynchronous(what: string, given: string): TypeError {
  return new TypeError(
    `Cannot ${what}: expected a function that returns when its operations are done, got ${given}. ` +
      "Use await outside of the function.",
  );
}
