/**
 * Numbers rounded to narrower formats, in plain arithmetic: to nearest, ties to even, as IEEE 754 says.
 *
 * @module
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The nearest bfloat16: float32's exponent with 8 significant bits.
 *
 * @param value Rounded to float32 first, which changes nothing for a value that is one.
 */
export function roundToBfloat16(value: number): number {
  float[0] = value;
  if (Number.isNaN(float[0])) return NaN;
  const raw = bits[0]!;
  // Half of the last kept bit, less one where that bit is even: a tie goes to even, and a carry into the exponent is right.
  bits[0] = (raw + 0x7fff + (raw >>> 16 & 1)) & 0xffff0000;
  return float[0]!;
}

/** The nearest float16: 5 bits of exponent, 11 significant bits, subnormals included. */
export function roundToFloat16(value: number): number {
  return new Float16Array([value])[0]!;
}
