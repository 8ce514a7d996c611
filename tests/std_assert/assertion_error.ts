/**
 * The error that failed assertions throw, and how values and own messages look in its text.
 *
 * @module
 */

/** A failed assertion. */
export class AssertionError extends Error {
  /**
   * @param message What failed.
   * @param options As of `Error`: a cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** How a message ends: the caller's own words where there are some. */
export function suffix(message: string | undefined): string {
  return message ? `: ${message}` : ".";
}

/** Throws an {@linkcode AssertionError}. */
export function raise(text: string): never {
  throw new AssertionError(text);
}

/** A value in full, a part a line, keys and members sorted, so that two values can be compared line by line. */
export function show(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    getters: true,
    strAbbreviateSize: Infinity,
  });
}
