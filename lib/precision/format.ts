/**
 * Number formats by name: what a value is rounded to, and how. Plain data, without tensors.
 *
 * @module
 */

/**
 * How a number between two neighbours of a format is rounded. `nearest`: to the nearer, ties to even. `stochastic`: up
 * with the chance of its distance from the lower. `truncate`: towards zero. `kahan`: to the nearer, what is lost being
 * kept and added to the next update; of weights alone.
 */
export type RoundingMode = "nearest" | "stochastic" | "truncate" | "kahan";

/** A binary format as IEEE 754 has them: subnormals, infinities, NaN. */
export interface Format {
  /** Its name, in the one form that it has: `bfloat16`, `e4m3-stochastic`. */
  readonly name: string;
  /** Bits of the exponent, from 2 to 8. */
  readonly exponent: number;
  /** Bits of the mantissa that are stored, from 1 to 23. */
  readonly mantissa: number;
  /** How values are rounded to it. */
  readonly rounding: RoundingMode;
  /** The element type that its values are held in. */
  readonly storage: "float32" | "bfloat16" | "float16";
  /** Whether float32 arithmetic stands for it, its values being rounded by our own code. */
  readonly emulated: boolean;
}

const NAMED = {
  float32: { exponent: 8, mantissa: 23 },
  bfloat16: { exponent: 8, mantissa: 7 },
  float16: { exponent: 5, mantissa: 10 },
} as const;

const MODES: readonly RoundingMode[] = ["nearest", "stochastic", "truncate", "kahan"];

/** What a format's name looks like, for messages. */
export const FORMAT_NAMES: string =
  "float32, bfloat16, float16 or eXmY (X from 2 to 8, Y from 1 to 23), and after it -stochastic, -truncate or -kahan " +
  "where it does not round to nearest, such as e4m3-stochastic";

/**
 * Reads a format's name: `float32`, `bfloat16`, `float16`, or `eXmY` with X bits of exponent and Y of mantissa; then
 * `-nearest` (which may be left out), `-stochastic`, `-truncate` or `-kahan`.
 *
 * Rounding to nearest into bfloat16 and float16 is the hardware's or TensorFlow's own; all else is emulated.
 *
 * @throws {RangeError} for another name.
 */
export function parseFormat(name: string): Format {
  const match = /^(float32|bfloat16|float16|e([0-9]+)m([0-9]+))(?:-([a-z]+))?$/.exec(name);
  const refuse = () =>
    new RangeError(`Cannot use the number format ${JSON.stringify(name)}: wanted ${FORMAT_NAMES}`);
  if (match === null) throw refuse();
  const [, base = "", e, m, mode = "nearest"] = match;
  const named = NAMED[base as keyof typeof NAMED];
  const exponent = named?.exponent ?? Number(e), mantissa = named?.mantissa ?? Number(m);
  const rounding = MODES.find((one) => one === mode);
  if (rounding === undefined || exponent < 2 || exponent > 8 || mantissa < 1 || mantissa > 23) throw refuse();
  // e8m23 has all that float32 has: nothing is rounded.
  const whole = exponent === 8 && mantissa === 23;
  if (whole && rounding !== "nearest") throw refuse();
  const native = rounding === "nearest" || rounding === "kahan";
  const plain = named === undefined ? `e${exponent}m${mantissa}` : base;
  return {
    name: rounding === "nearest" ? plain : `${plain}-${rounding}`,
    exponent,
    mantissa,
    rounding,
    storage: named !== undefined && native ? base as keyof typeof NAMED : "float32",
    emulated: !whole && !(named !== undefined && native),
  };
}
