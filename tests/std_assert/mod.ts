/**
 * The part of `@std/assert` 1.x that losskit's tests use, for machines that do not reach JSR. Behaviour follows the
 * package's documentation; drop `links` in deno.json to use the original.
 *
 * @module
 */
import { AssertionError, raise, show, suffix } from "./assertion_error.ts";
import { difference } from "./difference.ts";
import { equal } from "./equal.ts";

export { AssertionError, equal };

// deno-lint-ignore no-explicit-any -- any constructor will do, as in the original
type Constructor<T = unknown> = abstract new (...args: any[]) => T;

/** Requires a truthy value. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) raise(msg);
}

/** Requires a falsy value. */
export function assertFalse(expr: unknown, msg?: string): asserts expr is false | 0 | "" | null | undefined {
  if (expr) raise(`Expected a falsy value${suffix(msg)}\n${show(expr)}`);
}

/** Requires deep equality. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  raise(`Values are not equal${suffix(msg)}\n\n${difference(show(actual), show(expected))}`);
}

/** Requires that values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  raise(`Expected actual: ${show(actual)} not to be: ${show(expected)}${suffix(msg)}`);
}

/** Requires `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const [left, right] = [show(actual), show(expected)];
  if (left === right) {
    raise(`Values have the same structure but are not reference-equal${suffix(msg)}\n\n${left}`);
  }
  raise(`Values are not strictly equal${suffix(msg)}\n\n${difference(left, right)}`);
}

/** Requires numbers within a tolerance; default 1e-7 relative to `expected`, 1e-7 where that is 0. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const bound = tolerance ?? (expected !== 0 && Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= bound) return;
  const f = (n: number) => Number.isInteger(n) ? n : n.toExponential();
  raise(
    `Expected actual: "${f(actual)}" to be close to "${f(expected)}": delta "${f(delta)}" is greater than "${
      f(bound)
    }"${suffix(msg)}`,
  );
}

/** Requires a value that is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    raise(`Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`);
  }
}

/** Requires an instance. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: Constructor<T>,
  msg = "",
): asserts actual is T {
  if (actual instanceof expectedType) return;
  const kind = actual === null
    ? "null"
    : typeof actual === "object"
    ? actual?.constructor?.name ?? "Object"
    : typeof actual;
  raise(
    `Expected object to be an instance of "${expectedType.name}" but was "${kind}"${
      suffix(msg || undefined)
    }`,
  );
}

/** Requires a text to match. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (actual.search(expected) < 0) {
    raise(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
  }
}

/** Requires a text to contain another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    raise(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
  }
}

/** Requires a > b. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) raise(msg ?? `Expect ${show(actual)} > ${show(expected)}`);
}

/** Requires a >= b. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) raise(msg ?? `Expect ${show(actual)} >= ${show(expected)}`);
}

/** Requires a < b. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) raise(msg ?? `Expect ${show(actual)} < ${show(expected)}`);
}

/** Requires a <= b. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) raise(msg ?? `Expect ${show(actual)} <= ${show(expected)}`);
}

/** Requires an error of a class whose message includes a text. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: Constructor<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) raise(`Expected "error" to be an Error object${suffix(msg)}`);
  if (ErrorClass && !(error instanceof ErrorClass)) {
    raise(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor.name}"${
        suffix(msg)
      }`,
    );
  }
  if (msgMatches === undefined) return;
  const found = typeof msgMatches === "string"
    ? error.message.includes(msgMatches)
    : msgMatches.test(error.message);
  if (!found) {
    const wanted = msgMatches instanceof RegExp ? String(msgMatches) : JSON.stringify(msgMatches);
    raise(
      `Expected error message to include ${wanted}, but got ${JSON.stringify(error.message)}${suffix(msg)}`,
    );
  }
}

/** The overloads of {@linkcode assertThrows}: a class and a text, or a message alone. */
function readArguments(
  args: unknown[],
): { ErrorClass?: Constructor<Error>; includes?: string; msg?: string } {
  const [first, includes, msg] = args as [unknown, string?, string?];
  if (typeof first === "string") return { msg: first };
  return {
    ...(first !== undefined && { ErrorClass: first as Constructor<Error> }),
    ...(includes !== undefined && { includes }),
    ...(msg !== undefined && { msg }),
  };
}

function checkThrown(
  error: unknown,
  verb: string,
  { ErrorClass, includes, msg }: ReturnType<typeof readArguments>,
): void {
  if (ErrorClass === undefined) return;
  if (!(error instanceof Error)) raise(`A non-Error object was ${verb}${suffix(msg)}`);
  assertIsError(error, ErrorClass, includes, msg);
}

/** Requires a function to throw; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...rest: unknown[]): unknown {
  const wanted = readArguments(rest);
  try {
    fn();
  } catch (error) {
    checkThrown(error, "thrown", wanted);
    return error;
  }
  raise(`Expected function to throw${suffix(wanted.msg)}`);
}

/** Requires a promise to reject; returns the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(fn: () => PromiseLike<unknown>, ...rest: unknown[]): Promise<unknown> {
  const wanted = readArguments(rest);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    raise(`Function throws when expected to reject${suffix(wanted.msg)}`);
  }
  if (typeof promise?.then !== "function") raise(`Expected function to reject${suffix(wanted.msg)}`);
  try {
    await promise;
  } catch (error) {
    checkThrown(error, "rejected", wanted);
    return error;
  }
  raise(`Expected function to reject${suffix(wanted.msg)}`);
}

/** Fails. */
export function fail(msg?: string): never {
  raise(`Failed assertion${suffix(msg)}`);
}
