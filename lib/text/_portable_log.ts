/**
 * A natural logarithm with the same bits on every machine. It uses only operations that IEEE 754 rounds exactly (+, -,
 * *, /). `Math.log` may differ in its last bits between engines, versions and CPUs. The function accepts positive,
 * finite, normal numbers only.
 *
 * @module
 */

const view = new DataView(new ArrayBuffer(8));

/** 1/23, 1/21, ... 1/3, 1: coefficients of the series of atanh(s)/s in s², highest power first. */
const ATANH_SERIES = Array.from({ length: 12 }, (_, k) => 1 / (23 - 2 * k));

/**
 * Returns the natural logarithm of a positive, finite, normal number, to a few units in the last place.
 *
 * With x = 2^e · m and m in [√½, √2], log x = e · log 2 + 2 · atanh(s), where s = (m - 1) / (m + 1). Since |s| <=
 * 0.1716, the first omitted term of the series is below 2^-60 of the sum.
 */
export function portableLog(x: number): number {
  view.setFloat64(0, x);
  const high = view.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  view.setUint32(0, (high & 0x000f_ffff) | 0x3ff0_0000);
  let mantissa = view.getFloat64(0); // [1, 2)
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (const coefficient of ATANH_SERIES) sum = sum * square + coefficient;
  return exponent * Math.LN2 + 2 * s * sum;
}
