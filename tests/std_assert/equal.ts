/**
 * Deep equality as `@std/assert` documents it: by structure, `Object.is` for primitives but 0 and -0 are equal.
 *
 * @module
 */

type Pairs = Map<object, Set<object>>;

/** Whether two values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean {
  return same(a, b, new Map());
}

function same(a: unknown, b: unknown, seen: Pairs): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (prototypeOf(a) !== prototypeOf(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
  if (a instanceof URL && b instanceof URL) return a.href === b.href;
  for (const weak of [WeakMap, WeakSet, WeakRef]) {
    if (a instanceof weak) {
      if (weak !== WeakRef) throw new TypeError(`cannot compare ${weak.name} instances`);
      return same((a as WeakRef<object>).deref(), (b as WeakRef<object>).deref(), seen);
    }
  }
  // A pair met again inside itself is equal as far as its parts are.
  if (seen.get(a)?.has(b)) return true;
  seen.set(a, (seen.get(a) ?? new Set()).add(b));
  if (a instanceof Number || a instanceof String || a instanceof Boolean) {
    if (!Object.is(a.valueOf(), (b as typeof a).valueOf())) return false;
  }
  if (a instanceof ArrayBuffer) return same(new Uint8Array(a), new Uint8Array(b as ArrayBuffer), seen);
  if (a instanceof Set) return sameMembers([...a], [...b as Set<unknown>], seen);
  if (a instanceof Map) return sameMembers([...a], [...b as Map<unknown, unknown>], seen);
  if (a instanceof Error && a.message !== (b as Error).message) return false;
  const keys = ownKeys(a), others = ownKeys(b);
  return keys.length === others.length && keys.every((key) =>
    Object.hasOwn(b, key) &&
    same((a as Record<PropertyKey, unknown>)[key], (b as Record<PropertyKey, unknown>)[key], seen)
  );
}

/** A record without a prototype equals a plain one. */
function prototypeOf(value: object): object | null {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null ? Object.prototype : prototype;
}

/** Sets and maps are equal in any order: each member finds a partner of its own. */
function sameMembers(left: unknown[], right: unknown[], seen: Pairs): boolean {
  if (left.length !== right.length) return false;
  const free = [...right];
  return left.every((member) => {
    const i = free.findIndex((other) =>
      same(member, other, new Map([...seen].map(([k, v]) => [k, new Set(v)])))
    );
    if (i >= 0) free.splice(i, 1);
    return i >= 0;
  });
}

function ownKeys(value: object): PropertyKey[] {
  const symbols = Object.getOwnPropertySymbols(value).filter((s) =>
    Object.prototype.propertyIsEnumerable.call(value, s)
  );
  return [...Object.keys(value), ...symbols];
}
