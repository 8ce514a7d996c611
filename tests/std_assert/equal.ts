/**
 * Deep equality as `@std/assert` documents it: by structure, with NaN equal to NaN and 0 equal to -0.
 *
 * @module
 */

/**
 * Returns true if two values are deeply equal: same structure, same prototypes, same keys.
 *
 * @param a One value.
 * @param b The other.
 * @returns False for different functions.
 * @throws {TypeError} If both values contain a WeakMap or a WeakSet at the same place. Their content is not accessible.
 */
export function equal(a: unknown, b: unknown): boolean {
  return new Comparison().same(a, b);
}

/** One call of {@linkcode equal}. Records pairs that are being compared or are equal, so that cycles terminate. */
class Comparison {
  #partners = new Map<object, Set<object>>();
  #trail: [object, object][] = [];

  same(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (
      typeof a !== "object" || typeof b !== "object" || a === null || b === null
    ) return false;
    if (a instanceof Date && b instanceof Date) {
      return Object.is(a.getTime(), b.getTime());
    }
    if (plainPrototype(a) !== plainPrototype(b)) return false;
    if (this.#partners.get(a)?.has(b)) return true;
    const mark = this.#trail.length;
    this.#assume(a, b);
    const answer = this.#sameObjects(a, b);
    // Results inside assumed that this pair is equal. If it is not, they are discarded.
    if (!answer) this.#retract(mark);
    return answer;
  }

  #assume(a: object, b: object): void {
    this.#partners.set(a, (this.#partners.get(a) ?? new Set()).add(b));
    this.#trail.push([a, b]);
  }

  #retract(mark: number): void {
    for (const [a, b] of this.#trail.splice(mark)) {
      this.#partners.get(a)?.delete(b);
    }
  }

  /** Compares objects with the same prototype. */
  #sameObjects(a: object, b: object): boolean {
    if (isTypedArray(a)) return sameNumbers(a, b as typeof a);
    if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
      return sameNumbers(new Uint8Array(a), new Uint8Array(b as typeof a));
    }
    if (a instanceof WeakMap) {
      throw new TypeError("Cannot compare WeakMap instances");
    }
    if (a instanceof WeakSet) {
      throw new TypeError("Cannot compare WeakSet instances");
    }
    if (a instanceof WeakRef) {
      return this.same(a.deref(), (b as typeof a).deref());
    }
    if (Object.keys(a).length !== Object.keys(b).length) return false;
    if (a instanceof Set) return this.#sameSets(a, b as typeof a);
    if (a instanceof Map) return this.#sameMaps(a, b as typeof a);
    if (TEXTUAL.has(Object.getPrototypeOf(a))) return String(a) === String(b);
    return comparedKeys(a, b).every((key) =>
      key in a && key in b &&
      this.same(Reflect.get(a, key), Reflect.get(b, key))
    );
  }

  #sameSets(a: Set<unknown>, b: Set<unknown>): boolean {
    if (a.size !== b.size) return false;
    // Only members that can equal another object require a search.
    const rest = [...a].filter((member) => !b.has(member));
    if (rest.some((member) => !isReference(member))) return false;
    return this.#pairUp(rest, [...b].filter((member) => !a.has(member)));
  }

  #sameMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
    if (a.size !== b.size) return false;
    const rest = new Map<unknown, unknown>();
    for (const [key, value] of a) {
      if (b.has(key) && this.same(value, b.get(key))) continue;
      // A key that is an object may equal another key. A primitive key matches only itself.
      if (!isReference(key)) return false;
      rest.set(key, value);
    }
    return this.#pairUp(
      [...rest],
      [...b].filter(([key]) => !a.has(key) || rest.has(key)),
    );
  }

  /** Returns true if each member of `left` has an equal, separate partner in `right`, in any order. */
  #pairUp(left: unknown[], right: unknown[]): boolean {
    const free = [...right];
    return left.length === right.length && left.every((member) => {
      const i = free.findIndex((other) => this.same(member, other));
      if (i >= 0) free.splice(i, 1);
      return i >= 0;
    });
  }
}

type NumberArray = Uint8Array | Float64Array | BigInt64Array;

const TypedArray: abstract new () => NumberArray = Object.getPrototypeOf(
  Uint8Array,
);

/** Classes whose text determines the value. */
const TEXTUAL: ReadonlySet<object> = new Set<object>([
  RegExp.prototype,
  URL.prototype,
  URLSearchParams.prototype,
  Intl.Locale.prototype,
  Temporal.Duration.prototype,
  Temporal.Instant.prototype,
  Temporal.PlainDate.prototype,
  Temporal.PlainDateTime.prototype,
  Temporal.PlainTime.prototype,
  Temporal.PlainYearMonth.prototype,
  Temporal.PlainMonthDay.prototype,
  Temporal.ZonedDateTime.prototype,
]);

function isTypedArray(value: object): value is NumberArray {
  return value instanceof TypedArray;
}

function isReference(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function sameNumbers(a: NumberArray, b: NumberArray): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

/** Returns the prototype. An object without a prototype counts as a plain object. */
function plainPrototype(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

/**
 * Returns the keys to compare. For plain objects and arrays: enumerable keys. For instances: also the keys of their classes,
 * because getters can provide state.
 */
function comparedKeys(a: object, b: object): PropertyKey[] {
  const prototype = plainPrototype(a);
  return prototype === Object.prototype || prototype === Array.prototype
    ? Reflect.ownKeys({ ...a, ...b })
    : [...new Set([...inheritedKeys(a), ...inheritedKeys(b)])];
}

function inheritedKeys(value: object): PropertyKey[] {
  const keys: PropertyKey[] = [];
  let at: object | null = value;
  while (at !== null && at !== Object.prototype && at !== Array.prototype) {
    keys.push(...Reflect.ownKeys(at));
    at = Object.getPrototypeOf(at);
  }
  return keys;
}
