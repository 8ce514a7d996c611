/**
 * Checks and wording that the files of this folder share: whole numbers, well-formed text, and how a place or a
 * character is named in an error. It is not for users, and it knows nothing of tokenizers.
 *
 * @module
 */

/** `1234567` as `1,234,567`, for error messages. */
export function formatCount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/**
 * Refuses anything but a whole number of at least `min`.
 *
 * @param value What was given.
 * @param options The `action` that fails ("make batches"), the `name` of the value, and its least value `min`.
 */
export function requireInteger(value: number, options: { action: string; name: string; min: number }): void {
  const { action, name, min } = options;
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action}: ${name} must be a number: ${name} is a ${typeof value}`);
  }
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(
      `Cannot ${action}: ${name} must be an integer >= ${formatCount(min)}: ${name} is ${formatCount(value)}`,
    );
  }
}

/** A code point as `"é" (U+00E9)`; characters that would not show, or would disturb a terminal, only as U+XXXX. */
export function nameCodePoint(codePoint: number): string {
  const hex = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  const character = String.fromCodePoint(codePoint);
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `"${character}" (${hex})` : hex;
}

/** A place in a text as `index 12 (line 2, column 5)`: a 0-based UTF-16 index, 1-based line and column. */
export function describePosition(text: string, index: number): string {
  const before = text.slice(0, index);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return `index ${formatCount(index)} (line ${formatCount(line)}, column ${
    formatCount(index - lineStart + 1)
  })`;
}

/** Refuses a text with a lone surrogate, which UTF-8 cannot hold, and says where it is. */
export function requireWellFormed(text: string, action: string): void {
  if (text.isWellFormed()) return;
  // In a Unicode-aware pattern a surrogate class matches only the ones without a partner.
  const index = text.search(/\p{Surrogate}/u);
  throw new RangeError(
    `Cannot ${action}: the text must be well-formed Unicode: a lone surrogate, ` +
      `${nameCodePoint(text.charCodeAt(index))}, is at ${describePosition(text, index)}`,
  );
}
