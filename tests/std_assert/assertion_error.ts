/**
 * Error of failed assertions, and formatting of values and messages in its text.
 *
 * @module
 */

/** A failed assertion. */
export class AssertionError extends Error {
  /**
   * @param message Description of the failure.
   * @param options Options of `Error`: a cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Returns the end of a message: the caller's message, if given. */
export function suffix(message: string | undefined): string {
  return message ? `: ${message}` : ".";
}

/** Throws an {@linkcode AssertionError}. */
export function raise(text: string): never {
  throw new AssertionError(text);
}

/** Formats a value completely, one part per line, with sorted keys and members, for comparison by line. */
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
