/**
 * Names of the types of values, for error messages.
 *
 * @module
 */

/** Returns the name of a value's type: that of `typeof`, or `null`. */
export function typeName(value: unknown): string {
  return value === null ? "null" : typeof value;
}
