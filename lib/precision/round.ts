/**
 * Rounding of float32 numbers to a format, in plain arithmetic. The rounding of tensors must give the same bits.
 *
 * Every intermediate result is exact in double precision: scaling by a power of two is exact, and float32's subnormal
 * numbers are normal doubles.
 *
 * @module
 */
import type { Format } from "./format.ts";

/** A source of uniform random numbers in [0, 1). */
export type Uniform = () => number;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * Rounds each number to a value of a format, by the format's rounding mode.
 *
 * @param values Float32 numbers. They are not changed.
 * @param format The format. `kahan` rounds to nearest, because the optimizer adds the compensation.
 * @param uniform Source of random numbers for stochastic rounding, called at most once per value.
 * @returns Values of the format, as float32.
 * @throws {TypeError} For stochastic rounding without random numbers.
 */
export function roundArray(
  values: Float32Array,
  format: Format,
  uniform?: Uniform,
): Float32Array<ArrayBuffer> {
  requireUniform(format, uniform);
  const rounded = Float32Array.from(values, (value) => roundNumber(value, format, uniform));
  if (!format.hasNaN) {
    // ml_dtypes converts NaN to a zero of the opposite sign. The sign of a NaN is only in its bits.
    const bits = new Uint32Array(values.slice().buffer);
    values.forEach((value, i) => {
      if (Number.isNaN(value)) rounded[i] = bits[i]! >>> 31 === 0 ? -0 : 0;
    });
  }
  return rounded;
}

/**
 * Requires random numbers for stochastic rounding.
 *
 * @throws {TypeError} If they are missing.
 */
export function requireUniform({ rounding }: Format, uniform: Uniform | undefined): void {
  if (rounding !== "stochastic" || uniform !== undefined) return;
  throw new TypeError("Cannot round stochastically: expected random numbers, got none. Pass a seed.");
}

/**
 * Rounds one number to a value of a format. Returns NaN for NaN, also if the format has no NaN.
 *
 * @param value A float32 number.
 * @param format The format. `kahan` rounds to nearest.
 * @param uniform Source of random numbers. Required for stochastic rounding.
 */
export function roundNumber(value: number, format: Format, uniform?: Uniform): number {
  if (Number.isNaN(value)) return NaN;
  if (format.family === "scale") return roundScale(value, format);
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? -1 : 1;
  if (size === Infinity) return sign * beyond(format, Infinity);
  if (size === 0) return value;
  const lowest = Math.log2(format.smallestNormal);
  const step = 2 ** (Math.max(exponentOf(size), lowest) - format.mantissa);
  const result = roundInteger(size / step, format, uniform) * step;
  if (result <= format.largest) return sign * result;
  return sign * (format.rounding === "truncate" ? format.largest : beyond(format, Infinity));
}

/** Rounds a non-negative number to an integer, by a format's rounding mode. */
function roundInteger(value: number, { rounding }: Format, uniform?: Uniform): number {
  const below = Math.floor(value), rest = value - below;
  if (rounding === "truncate" || rest === 0) return below;
  if (rounding === "stochastic") return below + (uniform!() < rest ? 1 : 0);
  return below + (rest > 0.5 || rest === 0.5 && below % 2 === 1 ? 1 : 0);
}

function beyond({ overflow, largest }: Format, infinity: number): number {
  return overflow === "infinity" ? infinity : overflow === "saturate" ? largest : NaN;
}

/**
 * Rounds to a power of two from 2^-127 to 2^127. E8M0 has no zero, sign or infinity: numbers ≤ 0 and Inf become NaN.
 *
 * As in ml_dtypes, a midpoint rounds to the larger power, and float32's subnormal numbers round up.
 */
function roundScale(value: number, { rounding, largest, smallestNormal }: Format): number {
  if (!(value > 0) || value === Infinity) return NaN;
  if (value <= smallestNormal) return smallestNormal;
  const below = 2 ** exponentOf(value);
  const isUp = rounding === "truncate" ? false : below === smallestNormal || value / below >= 1.5;
  const result = isUp ? below * 2 : below;
  return result > largest ? NaN : result;
}

/**
 * Returns floor(log2(size)) exactly.
 *
 * @param size A positive, finite number.
 */
export function exponentOf(size: number): number {
  double[0] = size;
  return (words[1]! >>> 20 & 0x7ff) - 1023;
}
