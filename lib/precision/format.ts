/**
 * Number formats by name: their values, and their rounding. Plain data, without tensors.
 *
 * @module
 */

/**
 * Rounding between two neighboring values of a format. `nearest`: to the nearer value, ties to even. `stochastic`: up
 * with a probability equal to the relative distance from the lower value. `truncate`: toward zero. `kahan`: to nearest,
 * and the rounding error is added to the next update; for weights only.
 */
export type RoundingMode = "nearest" | "stochastic" | "truncate" | "kahan";

/**
 * Result beyond the largest finite value. `infinity`: ±Inf. `nan`: NaN. `saturate`: the largest finite value with the
 * same sign, also for ±Inf.
 */
export type Overflow = "infinity" | "nan" | "saturate";

/**
 * Family of a format. `ieee`: the structure of IEEE 754, with infinities and NaN. `ocp`: the Open Compute Project's
 * 8-bit floating point (OFP8) and Microscaling (MX) specifications. `scale`: E8M0, the powers of two that scale the
 * blocks of MX formats.
 */
export type FormatFamily = "ieee" | "ocp" | "scale";

/** A binary floating-point format and a way of rounding to it. */
export interface Format {
  /** Its canonical name: `bfloat16`, `e4m3-stochastic`, `e4m3fn-nonsaturating`. */
  readonly name: string;
  /** Bits of the exponent, from 2 to 8. */
  readonly exponent: number;
  /** Stored bits of the mantissa, from 0 to 23. */
  readonly mantissa: number;
  /** Bits of a value, including the sign. */
  readonly bits: number;
  /** The family, which determines the largest exponent, Inf and NaN. */
  readonly family: FormatFamily;
  /** Largest finite value. */
  readonly largest: number;
  /** Smallest positive normal value. */
  readonly smallestNormal: number;
  /** Smallest positive value. Equal to `smallestNormal` if the format has no subnormal values. */
  readonly smallestSubnormal: number;
  /** True if the format has a NaN. Formats of 4 and 6 bits have none: NaN becomes -0. */
  readonly hasNaN: boolean;
  /** Result of rounding a number beyond `largest`. */
  readonly overflow: Overflow;
  /** Rounding of values. */
  readonly rounding: RoundingMode;
  /** Element type that stores the values. */
  readonly storage: "float32" | "bfloat16" | "float16";
  /** True if values are computed in float32 and rounded by losskit's code. */
  readonly emulated: boolean;
}

/** Properties of a format, from {@linkcode formatInfo}. */
export type FormatInfo =
  & Pick<
    Format,
    "name" | "bits" | "exponent" | "mantissa" | "family" | "largest" | "smallestNormal" | "smallestSubnormal"
  >
  & {
    /** Name for readers, which marks formats that no standard defines: `IEEE-style e4m3`. */
    readonly label: string;
    /** True if results beyond the largest value become the largest value. */
    readonly saturates: boolean;
    /** True if the format has infinities. */
    readonly hasInfinity: boolean;
    /** True if the format has a NaN. */
    readonly hasNaN: boolean;
  };

/** Properties of a base name. */
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

/** Formats whose element type TensorFlow supports. */
const STORED = ["float32", "bfloat16", "float16"] as const;

const MODES: readonly RoundingMode[] = ["nearest", "stochastic", "truncate", "kahan"];

/** Format names for error messages. */
export const FORMAT_NAMES: string =
  "float32, bfloat16, float16, an OCP format (e4m3fn, e5m2, e3m2fn, e2m3fn, e2m1fn) or an IEEE-style format eXmY (X from " +
  "2 to 8, Y from 1 to 23); rounded to nearest, unless -stochastic, -truncate or -kahan (compensated sums) follows, as in " +
  "e4m3fn-stochastic";

/**
 * Parses a format name. It consists of:
 * - a base name: `float32`, `bfloat16`, `float16`, `e4m3fn`, `e5m2`, `e3m2fn`, `e2m3fn`, `e2m1fn`, `e8m0`, or `eXmY`
 *   for an
 *   IEEE-style format with X bits of exponent and Y of mantissa;
 * - an optional overflow: `-nonsaturating` (e4m3fn overflows to NaN) or `-saturating` (e5m2 overflows to its largest
 *   value);
 * - an optional rounding: `-stochastic`, `-truncate` or `-kahan`. Default: to nearest.
 *
 * Every format has exactly one name. Rounding to nearest bfloat16 and float16 is done by the processor or TensorFlow.
 * All other rounding is emulated.
 *
 * @throws {RangeError} For another name.
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

/** Returns a format's name for readers: `IEEE-style e4m3` for a format that is not in a standard. */
export function formatLabel({ name }: Format): string {
  const [base = ""] = name.split("-");
  return ieeeStyle(base) !== undefined && !Object.hasOwn(NAMED, base) ? `IEEE-style ${name}` : name;
}

/**
 * Parses the name of a tensor format.
 *
 * @throws {RangeError} For another name, and for `e8m0`, which holds the scales of blocks.
 */
export function parseTensorFormat(name: string): Format {
  const format = parseFormat(name);
  if (format.family !== "scale") return format;
  throw new RangeError(
    `Cannot use ${name} for tensors: expected a format of values, got one for the scales of blocks. Use ${FORMAT_NAMES}.`,
  );
}

/**
 * Returns a format's range and special values.
 *
 * @param format A name accepted by {@linkcode parseFormat}.
 * @throws {RangeError} For another name.
 * @throws {TypeError} For a name that is no text.
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

/** Parses `eXmY`. Leading zeros are refused, so that a format has one name. */
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
