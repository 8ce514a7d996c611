/**
 * State of the process that user-written code must not change, because all code uses it: functions of JavaScript and
 * Deno, environment variables, and the current folder.
 *
 * @module
 */
// Deno replaces globalThis.MessageChannel when this module loads, so that must not happen during an import of users.
import "node:worker_threads";

/** Objects whose functions are compared, by their names. */
const HOLDERS: Readonly<Record<string, object>> = {
  ...{ globalThis, Deno, console, crypto, performance },
  ...{ JSON, Math, Reflect, Object, Array, Number, String, Date, Promise, Symbol, ArrayBuffer, Float32Array },
  "Object.prototype": Object.prototype,
  "Array.prototype": Array.prototype,
  "String.prototype": String.prototype,
  "Number.prototype": Number.prototype,
  "Date.prototype": Date.prototype,
  "RegExp.prototype": RegExp.prototype,
  "Function.prototype": Function.prototype,
  "Promise.prototype": Promise.prototype,
  "Map.prototype": Map.prototype,
  "Set.prototype": Set.prototype,
  "typed arrays' prototype": Object.getPrototypeOf(Float32Array.prototype),
};

/** The state of the process at one time. */
export interface SharedState {
  /** Functions by the name of their object, such as `JSON`, and by key. */
  readonly functions: readonly (readonly [holder: string, functions: ReadonlyMap<PropertyKey, unknown>])[];
  /** Environment variables. */
  readonly variables: ReadonlyMap<string, string>;
  /** The current folder. */
  readonly folder: string;
}

const { entries, getOwnPropertyDescriptor } = Object, { ownKeys } = Reflect;

function valueOf(holder: object, key: PropertyKey): unknown {
  return getOwnPropertyDescriptor(holder, key)?.value; // reads no lazy property
}

/** Returns the current state of the process. */
export function sharedState(): SharedState {
  const functions = entries(HOLDERS).map(([name, holder]) => {
    const own = ownKeys(holder).map((key) => [key, valueOf(holder, key)] as const)
      .filter(([, value]) => typeof value === "function");
    return [name, new Map<PropertyKey, unknown>(own)] as const;
  });
  return { functions, variables: new Map(entries(Deno.env.toObject())), folder: Deno.cwd() };
}

/**
 * Returns the name of the first change since a state, such as `JSON.stringify`. Undefined if there is none. New
 * properties do not count.
 */
export function changedState({ functions, variables, folder }: SharedState): string | undefined {
  for (const [name, own] of functions) {
    for (const [key, value] of own) {
      if (valueOf(HOLDERS[name]!, key) !== value) return `${name}.${String(key)}`;
    }
  }
  const now = sharedState();
  for (const name of new Set([...variables.keys(), ...now.variables.keys()])) {
    if (variables.get(name) !== now.variables.get(name)) return `the environment variable ${name}`;
  }
  return now.folder === folder ? undefined : "the current folder";
}
