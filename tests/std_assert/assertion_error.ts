/**
 * The error that failed assertions throw.
 *
 * @module
 */

/** A failed assertion. */
export class AssertionError extends Error {
  override readonly name: string = "AssertionError";
}

/** `: message` where there is one, as a suffix. */
export function suffix(message: string | undefined): string {
  return message === undefined ? "." : `: ${message}`;
}

/** Throws. */
export function raise(text: string): never {
  throw new AssertionError(text);
}

/** A value as a reader wants to see it in a message. */
export function show(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
  });
}
