/**
 * Number formats by name: their range, special values and rounding. Plain data, without tensors.
 *
 * @module
 */

/**
 * Rounding of a value that lies between two neighboring values of a format:
 * - `nearest`: to the nearer neighbor, ties to even.
 * - `stochastic`: to either neighbor at random. The probabilities make the expected result equal to the value.
 * - `truncate`: toward zero.
 * - `kahan`: to nearest, with the rounding error added to the next update. For weights only.
 */
export type RoundingMode = "nearest" | "stochastic" | "truncate" | "kahan";

/**
 * Result of a number beyond the largest finite value:
 * - `infinity`: ±Inf.
 * - `nan`: NaN.
 * - `saturate`: the largest finite value with the same sign, also for ±Inf.
 *
 * With the rounding `truncate`, this applies to ±Inf only. A finite number beyond the largest finite value becomes that
 * value, with the same sign.
 */
export type Overflow = "infinity" | "nan" | "saturate";

/**
 * Family of a format:
 * - `ieee`: the structure of IEEE 754, with infinities and NaN.
 * - `ocp`: a format without infinities from the Open Compute Project's specifications of 8-bit floating point (OFP8)
 *   and Microscaling (MX).
 * - `scale`: E8M0, the powers of two that scale the blocks of MX formats.
 */
export type FormatFamily = "ieee" | "ocp" | "scale";

/** A binary floating-point format, together with its rounding. */
export interface Format {
  /** Canonical name: `bfloat16`, `e4m3-stochastic`, `e4m3fn-nonsaturating`. */
  readonly name: string;
  /** Number of exponent bits, from 2 to 8. */
  readonly exponent: number;
  /** Number of stored mantissa bits, from 0 to 23. */
  readonly mantissa: number;
  /** Bits of a value, including the sign bit. `e8m0` has no sign bit. */
  readonly bits: number;
  /** Family of the format. It determines the largest exponent and the special values. */
  readonly family: FormatFamily;
  /** Largest finite value. */
  readonly largest: number;
  /** Smallest positive normal value. */
  readonly smallestNormal: number;
  /** Smallest positive value. Equal to `smallestNormal` if the format has no subnormal values. */
  readonly smallestSubnormal: number;
  /**
   * True if the format has a NaN. The OCP formats `e3m2fn`, `e2m3fn` and `e2m1fn` have none: NaN becomes a zero of the
   * opposite sign.
   */
  readonly hasNaN: boolean;
  /** Result of rounding a number beyond `largest`. */
  readonly overflow: Overflow;
  /** Rounding of values between two neighbors. */
  readonly rounding: RoundingMode;
  /** Element type of the tensors that store the values. */
  readonly storage: "float32" | "bfloat16" | "float16";
  /**
   * True if losskit computes the format's rounding in float32. False if TensorFlow has the element type, or no value
   * needs rounding.
   */
  readonly emulated: boolean;
}

/** Properties of a format, from {@linkcode formatInfo}. */
export type FormatInfo =
  & Pick<
    Format,
    "name" | "bits" | "exponent" | "mantissa" | "family" | "largest" | "smallestNormal" | "smallestSubnormal"
  >
  & {
    /** Name for tables and reports. Formats that no standard defines are marked: `IEEE-style e4m3`. */
    readonly label: string;
    /** True if numbers beyond the largest finite value become the largest finite value. */
    readonly saturates: boolean;
    /** True if the format has infinities. */
    readonly hasInfinity: boolean;
    /** True if the format has a NaN. */
    readonly hasNaN: boolean;
  };

/** Properties that the base name of a format determines. */
interface Base {
  readonly exponent: number;
  readonly mantissa: number;
  readonly family: FormatFamily;
  readonly overflow: Overflow;
  readonly hasNaN: boolean;
  /** The alternative overflow, and the suffix that selects it. */
  readonly suffix?: { readonly name: "saturating" | "nonsaturating"; readonly overflow: Overflow };
}

const IEEE = { family: "ieee", overflow: "infinity", hasNaN: true } as const;
/** MX elements of 4 and 6 bits have neither Inf nor NaN: every bit pattern is a number (OCP MX 1.0, table 1). */
const FINITE = { family: "ocp", overflow: "saturate", hasNaN: false } as const;

const NAMED: Readonly<Record<string, Base>> = {
  float32: { exponent: 8, mantissa: 23, ...IEEE },
  bfloat16: { exponent: 8, mantissa: 7, ...IEEE },
  float16: { exponent: 5, mantissa: 10, ...IEEE },
  // OFP8: E5M2 is IEEE-style and hardware offers both conversions; E4M3 has a larger range instead of Inf.
  e5m2: { exponent: 5, mantissa: 2, ...IEEE, suffix: { name: "saturating", overflow: "saturate" } },
  e4m3fn: {
    exponent: 4,
    mantissa: 3,
    family: "ocp",
    overflow: "saturate",
    hasNaN: true,
    suffix: { name: "nonsaturating", overflow: "nan" },
  },
  e3m2fn: { exponent: 3, mantissa: 2, ...FINITE },
  e2m3fn: { exponent: 2, mantissa: 3, ...FINITE },
  e2m1fn: { exponent: 2, mantissa: 1, ...FINITE },
  e8m0: { exponent: 8, mantissa: 0, family: "scale", overflow: "nan", hasNaN: true },
};

/** Formats that TensorFlow has as element types. */
const STORED = ["float32", "bfloat16", "float16"] as const;

const MODES: readonly RoundingMode[] = ["nearest", "stochastic", "truncate", "kahan"];

/** Syntax of format names without a rounding, for help texts. */
export const PLAIN_FORMAT_NAMES: string =
  "float32, bfloat16, float16, an OCP format (e4m3fn, e5m2, e3m2fn, e2m3fn, e2m1fn) or an IEEE-style format eXmY (X from " +
  "2 to 8, Y from 1 to 23)";

/** Syntax of format names, for help texts and error messages. */
export const FORMAT_NAMES: string =
  `${PLAIN_FORMAT_NAMES}; rounded to nearest, unless -stochastic, -truncate or -kahan (compensated sums) follows, as in ` +
  "e4m3fn-stochastic";

/**
 * Parses a format name, which consists of:
 * - a base name: `float32`, `bfloat16`, `float16`, `e4m3fn`, `e5m2`, `e3m2fn`, `e2m3fn`, `e2m1fn`, `e8m0`, or `eXmY`
 *   for an IEEE-style format with X bits of exponent and Y of mantissa;
 * - an optional overflow: `-nonsaturating` (e4m3fn overflows to NaN) or `-saturating` (e5m2 overflows to its largest
 *   value);
 * - an optional rounding: `-stochastic`, `-truncate` or `-kahan`. Default: to nearest, ties to even.
 *
 * Every format has exactly one name. TensorFlow itself rounds to bfloat16 and float16 with the roundings to nearest and
 * `-kahan`. All other rounding is emulated in float32.
 *
 * @throws {RangeError} If the name is unknown, or is not the format's canonical name.
 */
export function parseFormat(name: string): Format {
  const refuse = () =>
    new RangeError(`Cannot use the number format ${JSON.stringify(name)}: expected ${FORMAT_NAMES}`);
  const [plain = "", ...suffixes] = name.split("-");
  const base = Object.hasOwn(NAMED, plain) ? NAMED[plain] : ieeeStyle(plain);
  if (base === undefined) throw refuse();
  let overflow = base.overflow, canonical = plain;
  if (base.suffix !== undefined && suffixes[0] === base.suffix.name) {
    ({ overflow } = base.suffix);
    canonical += `-${suffixes.shift()}`;
  }
  const mode = suffixes.shift() ?? "nearest";
  const rounding = MODES.find((one) => one === mode);
  if (rounding === undefined || suffixes.length > 0) throw refuse();
  if (base.family === "scale" && (rounding === "stochastic" || rounding === "kahan")) throw refuse();
  const { exponent, mantissa, family, hasNaN } = base;
  // e8m23 equals float32: nothing is rounded.
  const whole = exponent === 8 && mantissa === 23;
  if (whole && rounding !== "nearest") throw refuse();
  const stored = STORED.find((one) => one === plain);
  const native = stored !== undefined && (rounding === "nearest" || rounding === "kahan");
  const own = rounding === "nearest" ? canonical : `${canonical}-${rounding}`;
  // One format under two names would give two runs.
  if (own !== name) {
    throw new RangeError(`Cannot use the number format ${JSON.stringify(name)}: expected its name, ${own}.`);
  }
  return {
    name: own,
    exponent,
    mantissa,
    bits: (family === "scale" ? 0 : 1) + exponent + mantissa,
    ...rangeOf(base),
    family,
    hasNaN,
    overflow,
    rounding,
    storage: native ? stored : "float32",
    emulated: !whole && !native,
  };
}

/** Returns a format's name for tables and reports. A format that no standard defines is marked: `IEEE-style e4m3`. */
export function formatLabel({ name }: Format): string {
  const [base = ""] = name.split("-");
  return ieeeStyle(base) !== undefined && !Object.hasOwn(NAMED, base) ? `IEEE-style ${name}` : name;
}

/**
 * Parses the name of a format for the values of tensors.
 *
 * @throws {RangeError} If the name is unknown, or is `e8m0`, a format for the scales of blocks.
 */
export function parseTensorFormat(name: string): Format {
  const format = parseFormat(name);
  if (format.family !== "scale") return format;
  throw new RangeError(
    `Cannot use ${name} for tensors: expected a format of values, got one for the scales of blocks. Use ${FORMAT_NAMES}.`,
  );
}

/**
 * Returns a format's properties: number of bits, range and special values.
 *
 * @param format A name accepted by {@linkcode parseFormat}.
 * @throws {RangeError} If the name is unknown, or is not the format's canonical name.
 * @throws {TypeError} If `format` is not a string.
 */
export function formatInfo(format: string): FormatInfo {
  if (typeof format !== "string") {
    throw new TypeError(`Cannot describe a format: expected its name, got ${JSON.stringify(format)}.`);
  }
  const parsed = parseFormat(format);
  const { name, bits, exponent, mantissa, family, largest, smallestNormal, smallestSubnormal, hasNaN } =
    parsed;
  return {
    name,
    label: formatLabel(parsed),
    bits,
    exponent,
    mantissa,
    family,
    largest,
    smallestNormal,
    smallestSubnormal,
    saturates: parsed.overflow === "saturate",
    hasInfinity: parsed.family === "ieee",
    hasNaN,
  };
}

/** Parses `eXmY`; undefined for other names. Leading zeros are refused, so that a format has one name. */
function ieeeStyle(name: string): Base | undefined {
  const match = /^e([1-9])m([1-9][0-9]?)$/.exec(name);
  const exponent = Number(match?.[1]), mantissa = Number(match?.[2]);
  return exponent >= 2 && exponent <= 8 && mantissa <= 23 ? { exponent, mantissa, ...IEEE } : undefined;
}

function rangeOf(
  { exponent, mantissa, family, hasNaN }: Base,
): Pick<Format, "largest" | "smallestNormal" | "smallestSubnormal"> {
  const bias = 2 ** (exponent - 1) - 1;
  if (family === "scale") {
    return { largest: 2 ** bias, smallestNormal: 2 ** -bias, smallestSubnormal: 2 ** -bias };
  }
  // IEEE reserves the largest exponent. OCP uses it: E4M3 for all but one pattern, the smaller formats for all.
  const largestExponent = bias + (family === "ocp" ? 1 : 0);
  const ulps = family === "ocp" && hasNaN ? 2 : 1;
  const smallestNormal = 2 ** (1 - bias);
  return {
    largest: 2 ** largestExponent * (2 - ulps * 2 ** -mantissa),
    smallestNormal,
    smallestSubnormal: smallestNormal * 2 ** -mantissa,
  };
}
