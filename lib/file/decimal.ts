/**
 * Numbers as a user types them.
 *
 * @module
 */

/** A number in decimal digits, perhaps with an exponent. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Returns the finite decimal number that a text is; undefined where it is none, such as `NaN`, `0x10` or nothing. */
export function parseDecimal(text: string): number | undefined {
  const number = DECIMAL.test(text.trim()) ? Number(text) : NaN;
  return Number.isFinite(number) ? number : undefined;
}
