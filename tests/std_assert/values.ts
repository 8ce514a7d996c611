/**
 * Assertions about values.
 *
 * @module
 */
import { raise, show, suffix } from "./assertion_error.ts";
import { differenceOf } from "./difference.ts";
import { equal } from "./equal.ts";

/** Falsy values, except for NaN, which has no separate type. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Array or array-like object, but not a string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

// deno-lint-ignore no-explicit-any -- what is built, and from what, does not matter
type AnyClass = abstract new (...args: any[]) => any;

/** Requires a truthy value. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) raise(msg);
}

/** Requires a falsy value. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) raise(msg);
}

/** Requires deep equality, as {@linkcode equal} defines it. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  raise(
    `Values are not equal${suffix(msg)}\n${differenceOf(actual, expected)}`,
  );
}

/** Requires that values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  raise(
    `Expected actual: ${show(actual)} not to be: ${show(expected)}${suffix(msg)}`,
  );
}

/** Requires identical values, as `Object.is`: NaN equals NaN, and 0 differs from -0. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const text = show(actual);
  if (text === show(expected)) {
    const indented = text.replaceAll(/^/gm, "    ");
    raise(
      `Values have the same structure but are not reference-equal${suffix(msg)}\n\n${indented}\n`,
    );
  }
  raise(
    `Values are not strictly equal${suffix(msg)}\n${differenceOf(actual, expected)}`,
  );
}

/** Requires values that are not identical. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!Object.is(actual, expected)) return;
  raise(
    `Expected "actual" to not be strictly equal to: ${show(actual)}${suffix(msg)}\n`,
  );
}

/**
 * Requires numbers that are close.
 *
 * @param actual Value to check.
 * @param expected Expected value.
 * @param tolerance Largest difference. Default: 1e-7 times `expected`, thus 0 for an expected 0.
 * @param msg Message of the AssertionError.
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const bound = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= bound) return;
  const [a, b, d, t] = [actual, expected, delta, bound].map((n) =>
    Number.isInteger(n) ? String(n) : n.toExponential()
  );
  raise(
    `Expected actual: "${a}" to be close to "${b}": delta "${d}" is greater than "${t}"${suffix(msg)}`,
  );
}

/** Requires a value that is neither null nor undefined. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    raise(
      `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
    );
  }
}

/** Requires an instance of a class, which may be abstract. */
export function assertInstanceOf<T extends AnyClass>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const wanted = expectedType.name, given = kindOf(actual);
  const but = given === wanted
    ? ""
    : given === "function"
    ? " but was not an instanced object"
    : ` but was "${given}"`;
  raise(`Expected object to be an instance of "${wanted}"${but}${suffix(msg)}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? value.constructor?.name ?? "Object" : typeof value;
}

/** Requires a text to match. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) {
    raise(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
  }
}

/** Requires a text not to match. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) {
    raise(
      `Expected actual: "${actual}" to not match: "${expected}"${suffix(msg)}`,
    );
  }
}

/** Requires a text to contain another. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (!actual.includes(expected)) {
    raise(
      `Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`,
    );
  }
}

/** Requires an array to hold values that are deeply equal to those of another, in any order. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const present = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !present.some((given) => equal(wanted, given)));
  if (missing.length === 0) return;
  raise(
    `Expected actual: "${show(actual)}" to include: "${show(expected)}"${suffix(msg)}\nmissing: ${
      show(missing)
    }`,
  );
}

/** Requires `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) {
    raise(msg ?? `Expect ${show(actual)} > ${show(expected)}`);
  }
}

/** Requires `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual >= expected)) {
    raise(msg ?? `Expect ${show(actual)} >= ${show(expected)}`);
  }
}

/** Requires `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) {
    raise(msg ?? `Expect ${show(actual)} < ${show(expected)}`);
  }
}

/** Requires `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual <= expected)) {
    raise(msg ?? `Expect ${show(actual)} <= ${show(expected)}`);
  }
}

/** Fails. */
export function fail(msg?: string): never {
  raise(`Failed assertion${suffix(msg)}`);
}

/** Fails. For code that must not be reached. */
export function unreachable(msg?: string): never {
  raise(`Unreachable${suffix(msg)}`);
}
