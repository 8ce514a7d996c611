/**
 * Parsing of numbers that a user types.
 *
 * @module
 */

/** Pattern of a decimal number with an optional exponent. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Parses a finite decimal number. Returns undefined for any other text, such as `NaN`, `0x10` or the empty string. */
export function parseDecimal(text: string): number | undefined {
  const number = DECIMAL.test(text.trim()) ? Number(text) : NaN;
  return Number.isFinite(number) ? number : undefined;
}
