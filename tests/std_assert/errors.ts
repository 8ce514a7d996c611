/**
 * Assertions about thrown errors and rejected promises.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";
import { raise, suffix } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- what an error is built from does not matter
type Anything = any[];
type ErrorConstructor<E extends Error = Error> = abstract new (
  ...args: Anything
) => E;

/**
 * Requires an error.
 *
 * @param error Value to check.
 * @param ErrorClass Class or base class of the error. Default: `Error`.
 * @param msgMatches Text or pattern in the message; color codes are ignored.
 * @param msg Message of the AssertionError.
 */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorConstructor<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    raise(`Expected "error" to be an Error object${suffix(msg)}`);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    const given = error.constructor?.name;
    raise(
      `Expected error to be instance of "${ErrorClass.name}", but was "${given}"${suffix(msg)}`,
    );
  }
  if (!msgMatches) return;
  const text = stripVTControlCharacters(error.message);
  const found = msgMatches instanceof RegExp
    ? msgMatches.test(text)
    : text.includes(stripVTControlCharacters(msgMatches));
  if (found) return;
  const wanted = msgMatches instanceof RegExp ? String(msgMatches) : JSON.stringify(msgMatches);
  raise(
    `Expected error message to include ${wanted}, but got ${JSON.stringify(error.message)}${suffix(msg)}`,
  );
}

/** Arguments after the function in a call of {@linkcode assertThrows} or {@linkcode assertRejects}. */
interface Wanted {
  ErrorClass: ErrorConstructor | undefined;
  includes: string | undefined;
  msg: string | undefined;
}

/** Distinguishes the overloads: only a message, or a class, a text and a message. */
function readWanted([first, second, third]: unknown[]): Wanted {
  if (typeof first === "string") {
    return { ErrorClass: undefined, includes: undefined, msg: first };
  }
  const isClass = typeof first === "function" &&
    (first.prototype === Error.prototype || first.prototype instanceof Error);
  if (first === undefined || isClass) {
    return {
      ErrorClass: first as ErrorConstructor | undefined,
      includes: second as string | undefined,
      msg: third as string | undefined,
    };
  }
  return {
    ErrorClass: undefined,
    includes: undefined,
    msg: second as string | undefined,
  };
}

/** Without a class, any value can be thrown. */
function checkCaught(
  error: unknown,
  verb: "thrown" | "rejected",
  { ErrorClass, includes, msg }: Wanted,
): void {
  if (ErrorClass === undefined) return;
  if (!(error instanceof Error)) {
    raise(`A non-Error object was ${verb}${suffix(msg)}`);
  }
  assertIsError(error, ErrorClass, includes, msg);
}

/**
 * Requires a function to throw.
 *
 * @param fn Function, called once. A returned promise is not awaited.
 * @param msg Message of the AssertionError.
 * @returns The thrown value.
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Requires a function to throw an error of a class.
 *
 * @param fn Function, called once. A returned promise is not awaited.
 * @param ErrorClass Class or base class of the error.
 * @param msgIncludes Text in the message.
 * @param msg Message of the AssertionError.
 * @returns The thrown value.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...rest: unknown[]): unknown {
  const wanted = readWanted(rest);
  try {
    fn();
  } catch (error) {
    checkCaught(error, "thrown", wanted);
    return error;
  }
  raise(`Expected function to throw${suffix(wanted.msg)}`);
}

/**
 * Requires a function to return a promise that rejects.
 *
 * @param fn Function. The assertion fails if it throws, or returns no promise.
 * @param msg Message of the AssertionError.
 * @returns The reason of the rejection.
 */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/**
 * Requires a function to return a promise that rejects with an error of a class.
 *
 * @param fn Function. The assertion fails if it throws, or returns no promise.
 * @param ErrorClass Class or base class of the error.
 * @param msgIncludes Text in the message.
 * @param msg Message of the AssertionError.
 * @returns The reason of the rejection.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...rest: unknown[]
): Promise<unknown> {
  const wanted = readWanted(rest);
  const early = `Function throws when expected to reject${suffix(wanted.msg)}`;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    raise(early);
  }
  // As in @std/assert, a missing promise and a throwing function have the same message.
  if (typeof promise?.then !== "function") raise(early);
  try {
    await promise;
  } catch (error) {
    checkCaught(error, "rejected", wanted);
    return error;
  }
  raise(`Expected function to reject${suffix(wanted.msg)}`);
}
