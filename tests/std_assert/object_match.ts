/**
 * Whether a record holds what another one lists.
 *
 * @module
 */
import { assertEquals } from "./values.ts";

/**
 * Requires that `actual` holds everything in `expected`, at any depth; more is no error. Classes do not matter, an
 * array may be longer than the one expected, a map or set may hold more.
 *
 * @param actual What was found.
 * @param expected A part of it.
 * @param msg Put into the error's text.
 * @throws {TypeError} When one of them is no object.
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
  // Projecting what is expected on itself takes its classes away too.
  assertEquals(
    project(actual, expected, new Map()),
    project(expected, expected, new Map()),
    msg,
  );
}

/** What was already projected, by value and pattern: cycles end there. */
type Done = Map<object, Map<object, object>>;

/** Of `value` what `pattern` names. */
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
  // With nothing in common, an empty projection would hide from the reader what was there.
  const kept = common.length === 0 && wanted.length > 0 ? keys : common;
  for (const key of kept) {
    // Defined, not assigned: a key may be `__proto__`.
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
