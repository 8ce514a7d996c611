/**
 * Checks and formatting shared by this folder: integers, well-formed text, positions and code points in errors.
 *
 * @module
 */

/** Formats an integer for error messages: `1234567` as `1,234,567`. */
export function formatCount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/**
 * Checks that a value is an integer of at least `min`.
 *
 * @param value The given value.
 * @param options The failing `action` ("make batches"), the `name` of the value, and the minimum `min`.
 * @throws {TypeError} If the value is not a number.
 * @throws {RangeError} If the value is not an integer, or less than `min`.
 */
export function requireInteger(value: number, options: { action: string; name: string; min: number }): void {
  const { action, name, min } = options;
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action}: expected a number for ${name}, got a ${typeof value}`);
  }
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(
      `Cannot ${action}: expected an integer >= ${formatCount(min)} for ${name}, got ${formatCount(value)}`,
    );
  }
}

/** Formats a code point as `"é" (U+00E9)`. Invisible and control characters are written as U+XXXX only. */
export function nameCodePoint(codePoint: number): string {
  const hex = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  const character = String.fromCodePoint(codePoint);
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `"${character}" (${hex})` : hex;
}

/** Formats a position in a text as `index 12 (line 2, column 5)`: a 0-based UTF-16 index, 1-based line and column. */
export function describePosition(text: string, index: number): string {
  const before = text.slice(0, index);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return `index ${formatCount(index)} (line ${formatCount(line)}, column ${
    formatCount(index - lineStart + 1)
  })`;
}

/**
 * Checks that a text has no lone surrogate, which UTF-8 cannot represent.
 *
 * @throws {RangeError} If there is one. The message has the position of the first.
 */
export function requireWellFormed(text: string, action: string): void {
  if (text.isWellFormed()) return;
  // In a Unicode-aware pattern, a surrogate class matches only unpaired surrogates.
  const index = text.search(/\p{Surrogate}/u);
  throw new RangeError(
    `Cannot ${action}: expected well-formed Unicode, got a lone surrogate, ` +
      `${nameCodePoint(text.charCodeAt(index))}, at ${describePosition(text, index)}`,
  );
}
