/**
 * Partial comparison of records.
 *
 * @module
 */
import { assertEquals } from "./values.ts";

/**
 * Requires that `actual` contains everything in `expected`, at any depth. Additional fields, array elements and members of
 * maps and sets are allowed. Classes are ignored.
 *
 * @param actual Value to check.
 * @param expected Required part of the value.
 * @param msg Message of the AssertionError.
 * @throws {TypeError} If an argument is not an object.
 */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- an interface has no index signature, so `unknown` would refuse it
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  for (const value of [actual, expected]) {
    if (isObject(value)) continue;
    throw new TypeError(
      `Cannot assertObjectMatch ${value === null ? "null" : `type ${typeof value}`}`,
    );
  }
  // Projecting the expected value onto itself removes its classes, too.
  assertEquals(
    project(actual, expected, new Map()),
    project(expected, expected, new Map()),
    msg,
  );
}

/** Finished projections by value and pattern, so that cycles terminate. */
type Done = Map<object, Map<object, object>>;

/** Returns the parts of `value` that `pattern` names. */
function project(value: unknown, pattern: unknown, done: Done): unknown {
  if (
    !isObject(value) || !isObject(pattern) || value instanceof RegExp ||
    value instanceof Date
  ) return value;
  const known = done.get(value)?.get(pattern);
  if (known !== undefined) return known;
  const begin = <T extends object>(result: T): T => {
    done.set(value, (done.get(value) ?? new Map()).set(pattern, result));
    return result;
  };
  if (Array.isArray(value) && Array.isArray(pattern)) {
    const result: unknown[] = begin([]);
    const length = Math.min(value.length, pattern.length);
    for (let i = 0; i < length; i++) {
      result.push(project(value[i], pattern[i], done));
    }
    return result;
  }
  if (value instanceof Map && pattern instanceof Map) {
    const result = begin(new Map<unknown, unknown>());
    for (const [key, member] of value) {
      if (pattern.has(key)) {
        result.set(key, project(member, pattern.get(key), done));
      }
    }
    return result;
  }
  if (value instanceof Set && pattern instanceof Set) {
    return begin(value.intersection(pattern));
  }
  const result: Record<PropertyKey, unknown> = begin({});
  const keys = Reflect.ownKeys(value), wanted = Reflect.ownKeys(pattern);
  const common = keys.filter((key) => wanted.includes(key));
  // Without common fields, an empty projection would hide the actual value.
  const kept = common.length === 0 && wanted.length > 0 ? keys : common;
  for (const key of kept) {
    // Defined instead of assigned, because a key can be `__proto__`.
    Object.defineProperty(result, key, {
      value: project(Reflect.get(value, key), Reflect.get(pattern, key), done),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return result;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
