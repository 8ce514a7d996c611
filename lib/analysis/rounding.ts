/**
 * Rounding to narrower formats in plain arithmetic: to nearest, ties to even (IEEE 754).
 *
 * @module
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Rounds to the nearest bfloat16: float32's exponent range with 8 significant bits.
 *
 * @param value A number. Rounded to float32 first.
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

/** Rounds to the nearest float16: 5 exponent bits, 11 significant bits, with subnormals. */
export function roundToFloat16(value: number): number {
  return new Float16Array([value])[0]!;
}
