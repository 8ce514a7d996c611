/**
 * Rounding to narrower formats in plain arithmetic: to nearest, ties to even (IEEE 754).
 *
 * @module
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Rounds a number to the nearest bfloat16, which has float32's exponent range and 8 significant bits.
 *
 * @param value A number. The number is rounded to float32 first.
 */
export function roundToBfloat16(value: number): number {
  float[0] = value;
  if (Number.isNaN(float[0])) return NaN;
  const raw = bits[0]!;
  // Add half of the last kept bit, minus one if that bit is even, so that ties round to even. A carry into the exponent
  // is correct.
  bits[0] = (raw + 0x7fff + (raw >>> 16 & 1)) & 0xffff0000;
  return float[0]!;
}

/** Rounds a number to the nearest float16, which has 5 exponent bits and 11 significant bits. Supports subnormals. */
export function roundToFloat16(value: number): number {
  return new Float16Array([value])[0]!;
}
