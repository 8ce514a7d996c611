/**
 * Quantization of float32 numbers to a scaled format, in plain arithmetic. The quantization of tensors must give the
 * same bits.
 *
 * A group of values shares a power of two 2^e and a float32 factor s: q = round(x · 2^-e · s), x' = q / s · 2^e. The
 * power moves the group's largest magnitude to the largest exponent of the format. No intermediate result then
 * overflows or underflows. The power does not change the result, because multiplying by a power of two is exact.
 *
 * @module
 */
import { type Format, parseFormat } from "./format.ts";
import type { Quantizer, Scaling } from "./quantizer.ts";
import { exponentOf, requireUniform, roundArray, roundNumber, type Uniform } from "./round.ts";

/** Options of {@linkcode quantizeArray}: the shape of the values, and inputs of some roundings and scalings. */
export interface QuantizeArrayOptions {
  /** Shape of the values. Default: one dimension. */
  readonly shape?: readonly number[] | undefined;
  /** Axis along which rows and blocks extend. Negative axes count from the end. Default: -1, the last axis. */
  readonly axis?: number | undefined;
  /** Source of random numbers for stochastic rounding, called once per value. */
  readonly uniform?: Uniform | undefined;
  /**
   * Largest magnitudes in previous steps, latest first, for delayed scaling. Default: none. The values' own largest
   * magnitude then sets the scale.
   */
  readonly amaxHistory?: readonly number[] | undefined;
}

/** Scaling of a group: the exponent e, the factor `scale` before rounding, and the factor `inverse` after rounding. */
interface Conversion {
  readonly exponent: number;
  readonly scale: number;
  readonly inverse: number;
}

/** Scaling of a group that contains NaN or Inf: every value becomes NaN. */
const NOT_A_NUMBER: Conversion = { exponent: 0, scale: 1, inverse: NaN };

/** Format of the block scales in NVFP4. */
const BLOCK_SCALE: Format = parseFormat("e4m3fn");

const { fround } = Math;

/**
 * Rounds numbers to the values that a format with a scaling can represent.
 *
 * Without a scaling, numbers beyond the largest value follow the format's `overflow`. With a scaling, they become the
 * largest value. In a group with NaN or Inf, every value becomes NaN. For `nvfp4`, this holds for the whole tensor.
 * With `delayed` and a history, a NaN does not affect other values, and Inf becomes the largest value.
 *
 * @param values Float32 numbers. They are not changed.
 * @param quantizer The format and the scaling.
 * @param options Shape, axis, random numbers and history.
 * @returns The rounded numbers, as float32.
 * @throws {TypeError} For stochastic rounding without random numbers.
 */
export function quantizeArray(
  values: Float32Array,
  { format, scaling }: Quantizer,
  options: QuantizeArrayOptions = {},
): Float32Array<ArrayBuffer> {
  const { uniform, shape = [values.length], axis = -1, amaxHistory = [] } = options;
  if (scaling === undefined) return roundArray(values, format, uniform);
  requireUniform(format, uniform);
  const result = new Float32Array(values.length);
  const element: Format = { ...format, overflow: "saturate" };
  const largest = scaling.kind === "nvfp4" ? largestOf(values, values.keys()) : 0;
  for (const group of groupsOf(shape, axis, scaling)) {
    const current = largestOf(values, group);
    const amax = scaling.kind === "delayed" ? delayedAmax(current, amaxHistory, scaling) : current;
    const { exponent, scale, inverse } = conversionOf(amax, element, { scaling, largest });
    const [down, up] = [2 ** -exponent, 2 ** exponent];
    for (const i of group) {
      const rounded = roundNumber(fround(fround(values[i]! * down) * scale), element, uniform);
      result[i] = fround(rounded * inverse) * up;
    }
  }
  return result;
}

/**
 * Returns the largest magnitude that sets the scale of delayed scaling: the history's, or the current one if the
 * history is empty.
 */
function delayedAmax(current: number, history: readonly number[], { history: length }: Scaling): number {
  return history.slice(0, length).reduce((most, amax) => Math.max(most, amax), 0) || current;
}

/**
 * Returns the scaling of a group.
 *
 * @param amax Largest magnitude in the group. NaN or Infinity if a value is not finite.
 * @param format The format of the scaled values.
 * @param tensor The scaling, and for `nvfp4` the tensor's largest magnitude (else 0).
 */
function conversionOf(
  amax: number,
  format: Format,
  { scaling, largest }: { scaling: Scaling; largest: number },
): Conversion {
  if (!Number.isFinite(amax) || !Number.isFinite(largest)) return NOT_A_NUMBER;
  if (amax === 0) return { exponent: 0, scale: 1, inverse: 1 };
  const emax = exponentOf(format.largest);
  const floor = exponentOf(amax) - emax;
  if (scaling.kind === "mx") {
    const saturates = amax * 2 ** -floor > format.largest;
    const exponent = floor + (scaling.exponent === "ceil" && saturates ? 1 : 0);
    return { exponent: Math.min(Math.max(exponent, -127), 127), scale: 1, inverse: 1 };
  }
  if (scaling.kind === "nvfp4") {
    const exponent = exponentOf(largest) - emax;
    const tensorScale = fround(largest * 2 ** -exponent / fround(format.largest * BLOCK_SCALE.largest));
    const wanted = fround(fround(fround(amax * 2 ** -exponent) / format.largest) / tensorScale);
    const inverse = fround(roundNumber(wanted, BLOCK_SCALE) * tensorScale);
    return { exponent, scale: inverse === 0 ? 0 : fround(1 / inverse), inverse };
  }
  const scale = fround(format.largest / (amax * 2 ** -floor));
  return { exponent: floor, scale, inverse: fround(1 / scale) };
}

/** Returns the largest magnitude. NaN if a value is NaN. */
function largestOf(values: Float32Array, group: Iterable<number>): number {
  let largest = 0;
  for (const i of group) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}

/** Yields the indices of each group of values that share a scale. The last block of a row may be shorter. */
function* groupsOf(shape: readonly number[], axis: number, scaling: Scaling): Generator<number[]> {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size === 0) return;
  if (scaling.kind === "tensor" || scaling.kind === "delayed") {
    yield Array.from({ length: size }, (_, i) => i);
    return;
  }
  const at = axis < 0 ? axis + shape.length : axis;
  const length = shape[at] ?? 1;
  const inner = shape.slice(at + 1).reduce((product, length) => product * length, 1);
  const block = scaling.block ?? length;
  for (let outer = 0; outer < size; outer += length * inner) {
    for (let begin = 0; begin < length; begin += block) {
      const count = Math.min(block, length - begin);
      for (let i = 0; i < inner; i++) {
        yield Array.from({ length: count }, (_, k) => outer + (begin + k) * inner + i);
      }
    }
  }
}
