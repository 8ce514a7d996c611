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
 * 2^-e by biased exponent e + 1023. Multiplication by it is exact, and much faster than replacing the bits of the
 * exponent.
 */
const SCALES = Float64Array.from({ length: 2047 }, (_, biased) => 2 ** (1023 - biased));

/**
 * Returns the natural logarithm of a positive, finite, normal number. The error is a few units in the last place.
 *
 * With x = 2^e · m and m in [√½, √2], log x = e · log 2 + 2 · atanh(s), where s = (m - 1) / (m + 1). Since |s| <=
 * 0.1716, the first omitted term of the series is below 2^-60 of the sum.
 */
export function portableLog(x: number): number {
  view.setFloat64(0, x);
  const biased = view.getUint32(0) >>> 20;
  let exponent = biased - 1023;
  let mantissa = x * SCALES[biased]!; // [1, 2)
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let i = 0; i < ATANH_SERIES.length; i++) sum = sum * square + ATANH_SERIES[i]!; // faster than for-of
  return exponent * Math.LN2 + 2 * s * sum;
}
