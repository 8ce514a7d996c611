/**
 * `quantize()`: rounds arrays and tensors to the values that a number format can represent.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { typeName } from "../../error/type_name.ts";
import seedrandom from "seedrandom";
import {
  parseQuantizer,
  quantizeArray,
  type Quantizer,
  quantizerOf,
  splitQuantizer,
} from "../../precision/mod.ts";
import { toFloat32 } from "../binding/true_dtype.ts";
import { quantizeTensor } from "./quantize_tensor.ts";

/** Options of {@linkcode quantize}. */
export interface QuantizeOptions {
  /**
   * Rounding. Default: the rounding that the format's name contains, or `nearest` (ties to even) if it contains none.
   */
  readonly rounding?: "nearest" | "stochastic" | "truncate" | undefined;
  /**
   * Scaling: `tensor` and `row` (float32 scales), `mx` and `mx-ceil` (blocks of 32 with E8M0 scales), `nvfp4` (blocks
   * of 16 with E4M3 scales), or `delayed` (a scale from `amaxHistory`). Default: the scaling that the format's name
   * contains, or none.
   */
  readonly scaling?:
    | "tensor"
    | "row"
    | "mx"
    | "mx-ceil"
    | "nvfp4"
    | "delayed"
    | `delayed-${number}`
    | undefined;
  /** Seed of stochastic rounding, an integer of at least 0. Equal seeds give equal results. Default: 1. */
  readonly seed?: number | undefined;
  /** Shape of the values, which determines rows and blocks. For arrays only. Default: one dimension. */
  readonly shape?: readonly number[] | undefined;
  /** Axis along which rows and blocks extend. Negative axes count from the end. Default: -1, the last axis. */
  readonly axis?: number | undefined;
  /**
   * Largest magnitudes in previous steps, latest first, for delayed scaling. Default: none. The values' own largest
   * magnitude then sets the scale.
   */
  readonly amaxHistory?: readonly number[] | undefined;
}

/**
 * Rounds values to a number format, by default to nearest.
 *
 * Without a scaling, the format determines the result of numbers beyond its largest value. IEEE-style formats and
 * `e5m2` give Inf. `e4m3fn` and the other OCP formats give the largest value. With a scaling, such numbers become the
 * largest value. If values that share a scale contain NaN or Inf, all of them become NaN. With `amaxHistory`, only NaN
 * becomes NaN.
 *
 * @param values A Float32Array, which needs no runtime, or a floating tensor.
 * @param format A format (`e4m3fn`, `bfloat16`, `e8m0`, `e4m7`), a format with a scaling (`e4m3fn/tensor`), or a short
 * name (`mxfp8`, `mxfp6`, `mxfp4`, `nvfp4`).
 * @param options Rounding, scaling, seed, shape, axis and history.
 * @returns Rounded float32 numbers, of the same kind and shape as `values`. The gradient of a tensor passes through
 * unchanged.
 * @throws {RangeError} If the format, rounding or scaling is unknown, or the name contradicts the options. Also if
 * seed, axis or history is out of range, or the shape does not match the number of values.
 * @throws {TypeError} If `values` is neither a Float32Array nor a floating tensor, or an option is unknown.
 *
 * @example
 * ```ts
 * import { quantize } from "@losskit/losskit/tensorflow";
 *
 * console.log(quantize(Float32Array.of(0.3, 1.1, 500), "e4m3fn")); // 0.3125, 1.125, 448
 * console.log(quantize(Float32Array.of(0.3, 1.1, 500), "e4m3fn", { scaling: "mx" })); // 0.3125, 1.125, 448
 * console.log(quantize(Float32Array.of(0.003, 0.0011), "mxfp4")); // 0.0029296875, 0.0009765625
 * ```
 */
export function quantize(
  values: Float32Array,
  format: string,
  options?: QuantizeOptions,
): Float32Array<ArrayBuffer>;
/**
 * Rounds the values of a tensor to a number format, as for arrays.
 *
 * @param values A floating tensor.
 * @param format A format, optionally with a scaling.
 * @param options Rounding, scaling, seed, axis and history.
 * @returns float32, of the same shape. The gradient passes through unchanged.
 */
export function quantize<R extends tf.Rank>(
  values: tf.Tensor<R>,
  format: string,
  options?: QuantizeOptions,
): tf.Tensor<R>;
export function quantize(
  values: Float32Array | tf.Tensor,
  format: string,
  options: QuantizeOptions = {},
): Float32Array<ArrayBuffer> | tf.Tensor {
  requireOptions(options);
  const isArray = values instanceof Float32Array;
  if (!isArray && !(values instanceof tf.Tensor && values.dtype === "float32")) {
    const given = values as unknown;
    throw new TypeError(
      `Cannot quantize: expected a Float32Array or a floating tensor, got ${
        given instanceof tf.Tensor ? `a tensor of ${given.dtype}` : typeName(given)
      }. Use Float32Array.from().`,
    );
  }
  if (!isArray && values.isDisposed) {
    throw new TypeError("Cannot quantize: expected a tensor with values, got a disposed one.");
  }
  const quantizer = quantizerFor(format, options);
  const { seed = 1, axis = -1 } = options;
  const amaxHistory = historyOf(options.amaxHistory, quantizer);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`Cannot quantize: expected an integer seed of at least 0, got ${seed}.`);
  }
  const isRandom = quantizer.format.rounding === "stochastic";
  if (isArray) {
    const shape = shapeOf(values, options.shape);
    requireAxis(axis, shape);
    const uniform = isRandom ? seedrandom.alea(String(seed)) : undefined;
    return quantizeArray(values, quantizer, { shape, axis, uniform, amaxHistory });
  }
  if (options.shape !== undefined) {
    throw new TypeError("Cannot quantize: expected shape with a Float32Array only, got it with a tensor.");
  }
  requireAxis(axis, values.shape);
  return tf.tidy(() => {
    const key = isRandom ? tf.tensor1d([seed | 0, Math.floor(seed / 2 ** 32) | 0], "int32") : undefined;
    const history = amaxHistory === undefined || amaxHistory.length === 0
      ? undefined
      : tf.tensor1d(amaxHistory);
    return tf.customGrad((x) => ({
      value: toFloat32(quantizeTensor(tf.clone(x as tf.Tensor), quantizer, { axis, key, history })),
      gradFunc: (dy: tf.Tensor) => dy,
    }))(values);
  });
}

/** Names of {@linkcode QuantizeOptions}. */
const OPTION_NAMES = [
  "rounding",
  "scaling",
  "seed",
  "shape",
  "axis",
  "amaxHistory",
] as const satisfies readonly (keyof QuantizeOptions)[];

function requireOptions(options: object): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot quantize: expected options as an object, got ${JSON.stringify(options)}.`);
  }
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.some((known) => known === name));
  if (unknown === undefined) return;
  throw new TypeError(
    `Cannot quantize: expected options of ${OPTION_NAMES.join(", ")}, got ${unknown}.`,
  );
}

/** Returns the history of delayed scaling as float32 numbers, latest first. */
function historyOf(given: readonly number[] | undefined, { name, scaling }: Quantizer): number[] | undefined {
  if (given === undefined) return undefined;
  if (scaling?.kind !== "delayed") {
    throw new RangeError(
      `Cannot quantize to ${name}: expected amaxHistory with delayed scaling only. Omit amaxHistory.`,
    );
  }
  if (!Array.isArray(given) || !given.every((amax) => Number.isFinite(amax) && amax >= 0)) {
    throw new RangeError(
      `Cannot quantize to ${name}: expected amaxHistory as a list of finite numbers of at least 0, got ${
        JSON.stringify(given)
      }.`,
    );
  }
  return given.map(Math.fround);
}

/** Combines the format's name with the options `rounding` and `scaling`. */
function quantizerFor(name: string, { rounding, scaling }: QuantizeOptions): Quantizer {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot quantize: expected the name of a format, got ${JSON.stringify(name)}.`);
  }
  const given = parseQuantizer(name);
  const own = given.format.rounding;
  if (own === "kahan") {
    throw new RangeError(
      `Cannot quantize to ${name}: expected a rounding of values, got kahan, which compensates updates.`,
    );
  }
  const refuse = (what: string, first: string, second: string) =>
    new RangeError(
      `Cannot quantize to ${name}: expected one ${what}, got ${first} in the name and ${second} in the options.`,
    );
  if (rounding !== undefined && !["nearest", "stochastic", "truncate"].includes(rounding)) {
    throw new RangeError(
      `Cannot quantize to ${name}: expected rounding nearest, stochastic or truncate, got ${rounding}.`,
    );
  }
  if (rounding !== undefined && own !== "nearest" && own !== rounding) {
    throw refuse("rounding", own, rounding);
  }
  if (scaling !== undefined && given.scaling !== undefined && given.scaling.name !== scaling) {
    throw refuse("scaling", given.scaling.name, scaling);
  }
  const { format } = splitQuantizer(name);
  const suffix = rounding === undefined || rounding === own ? "" : `-${rounding}`;
  return quantizerOf({ format: format + suffix, scaling: scaling ?? given.scaling?.name });
}

function shapeOf(values: Float32Array, shape: readonly number[] = [values.length]): readonly number[] {
  const sizes = Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size >= 0);
  if (sizes && shape.reduce((product, size) => product * size, 1) === values.length) return shape;
  throw new RangeError(
    `Cannot quantize: expected a shape of ${values.length} values, got ${JSON.stringify(shape)}.`,
  );
}

function requireAxis(axis: number, shape: readonly number[]): void {
  const rank = Math.max(shape.length, 1);
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return;
  throw new RangeError(`Cannot quantize: expected an axis from ${-rank} to ${rank - 1}, got ${axis}.`);
}
