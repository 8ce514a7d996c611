/**
 * Rounding of float32 numbers to a format in plain arithmetic: the reference for the rounding of tensors.
 *
 * A double represents every intermediate result exactly: scaling by a power of two is exact, and float32's subnormal
 * numbers are normal doubles.
 *
 * @module
 */
import type { Format } from "./format.ts";

/** A source of numbers uniform on [0, 1). */
export type Uniform = () => number;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * Rounds each number to a value of a format, by the format's rounding mode.
 *
 * @param values Float32 numbers. They are not changed.
 * @param format The format. `kahan` rounds to nearest here.
 * @param uniform Random numbers, one per value, for stochastic rounding.
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

/** Throws for stochastic rounding without random numbers. */
export function requireUniform({ rounding }: Format, uniform: Uniform | undefined): void {
  if (rounding !== "stochastic" || uniform !== undefined) return;
  throw new TypeError("Cannot round stochastically: expected random numbers, got none. Pass a seed.");
}

/** Rounds one number. NaN stays NaN. */
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

/** Rounds a non-negative number to an integer. */
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
 * Rounds to a power of two from 2^-127 to 2^127. E8M0 has no zero and no sign: other numbers are NaN.
 *
 * As in ml_dtypes, the upper power takes the midpoint, and float32's subnormal numbers are rounded up.
 */
function roundScale(value: number, { rounding, largest, smallestNormal }: Format): number {
  if (!(value > 0) || value === Infinity) return NaN;
  if (value <= smallestNormal) return smallestNormal;
  const below = 2 ** exponentOf(value);
  const isUp = rounding === "truncate" ? false : below === smallestNormal || value / below >= 1.5;
  const result = isUp ? below * 2 : below;
  return result > largest ? NaN : result;
}

/** Returns floor(log2(size)) of a positive finite number, exactly. */
export function exponentOf(size: number): number {
  double[0] = size;
  return (words[1]! >>> 20 & 0x7ff) - 1023;
}
