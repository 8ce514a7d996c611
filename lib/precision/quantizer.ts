/**
 * Quantizers by name. A quantizer is a number format with an optional scaling. Plain data, without tensors.
 *
 * @module
 */
import { type Format, parseFormat, parseTensorFormat } from "./format.ts";

/**
 * Kind of scaling:
 * - `tensor`: one float32 scale per tensor, from the tensor's largest magnitude.
 * - `delayed`: one float32 scale per tensor, from the largest magnitude in previous steps.
 * - `row`: one float32 scale per row along the axis.
 * - `mx`: one power of two (E8M0) per block of 32 values along the axis.
 * - `nvfp4`: one E4M3 scale per block of 16 values along the axis, and one float32 scale per tensor.
 */
export type ScalingKind = "tensor" | "delayed" | "row" | "mx" | "nvfp4";

/** A method of scaling values into the range of a format. */
export interface Scaling {
  /** Canonical name: `tensor`, `delayed`, `delayed-64`, `row`, `mx`, `mx-ceil`, `nvfp4`. */
  readonly name: string;
  /** Kind of scaling. */
  readonly kind: ScalingKind;
  /** Number of values per block along the axis. Undefined for scalings without blocks. */
  readonly block?: number;
  /**
   * Exponent of a block's scale in `mx`, from the block's largest magnitude amax. `floor`: floor(log2 amax) − the
   * format's largest exponent, as in OCP MX 1.0. `ceil`: 1 more if amax would saturate. Undefined for other kinds.
   */
  readonly exponent?: "floor" | "ceil";
  /** Number of previous steps whose largest magnitudes set the scale of `delayed`. Undefined for other kinds. */
  readonly history?: number;
}

/** A number format with an optional scaling. */
export interface Quantizer {
  /** Canonical name: `e4m3fn`, `e4m3fn/tensor`, `e2m1fn-stochastic/mx`. */
  readonly name: string;
  /** Format of the scaled values, including the rounding. */
  readonly format: Format;
  /** The scaling. Undefined: values are rounded without scaling. */
  readonly scaling: Scaling | undefined;
}

/** Default number of previous steps for delayed scaling. */
const HISTORY = 16;

/** Largest number of previous steps for delayed scaling. */
const LONGEST_HISTORY = 1024;

/** Scalings without parameters. */
const SCALINGS: Readonly<Record<string, Scaling>> = {
  tensor: { name: "tensor", kind: "tensor" },
  delayed: { name: "delayed", kind: "delayed", history: HISTORY },
  row: { name: "row", kind: "row" },
  mx: { name: "mx", kind: "mx", block: 32, exponent: "floor" },
  "mx-ceil": { name: "mx-ceil", kind: "mx", block: 32, exponent: "ceil" },
  nvfp4: { name: "nvfp4", kind: "nvfp4", block: 16 },
};

/** Syntax of scalings, for help texts and error messages. */
export const SCALING_NAMES: string =
  `tensor, row, mx, mx-ceil, nvfp4, delayed or delayed-N (scale from the largest magnitude of N previous steps, N from 1 to ${LONGEST_HISTORY}; default: ${HISTORY})`;

/** Short names for formats with block scaling. */
const SHORT: Readonly<Record<string, { format: string; scaling: string }>> = {
  mxfp8: { format: "e4m3fn", scaling: "mx" },
  mxfp6: { format: "e3m2fn", scaling: "mx" },
  mxfp4: { format: "e2m1fn", scaling: "mx" },
  nvfp4: { format: "e2m1fn", scaling: "nvfp4" },
};

/** Syntax of formats with a scaling, for help texts. */
export const SCALED_FORMAT_NAMES: string =
  `FORMAT/SCALING, where SCALING is ${SCALING_NAMES}; mxfp8 is e4m3fn/mx, mxfp6 e3m2fn/mx, mxfp4 e2m1fn/mx ` +
  "and nvfp4 e2m1fn/nvfp4";

/** Names of a format and a scaling, as in specs. */
export interface QuantizerNames {
  /**
   * Name of the format: one that {@linkcode parseFormat} accepts, or a short name (`mxfp8`, `mxfp6`, `mxfp4`, `nvfp4`)
   * that includes the scaling.
   */
  readonly format: string;
  /** Name of the scaling. Default: none. */
  readonly scaling?: string | undefined;
}

/**
 * Replaces a short name by the names of its format and scaling: `mxfp4-stochastic` by `e2m1fn-stochastic` and `mx`.
 * Other names are returned unchanged, without validation.
 */
export function fullQuantizerNames({ format, scaling }: QuantizerNames): QuantizerNames {
  const [base = "", ...suffixes] = format.split("-");
  if (scaling !== undefined) return { format, scaling };
  const short = shortName(base);
  return short === undefined
    ? { format }
    : { format: [short.format, ...suffixes].join("-"), scaling: short.scaling };
}

function shortName(base: string): { format: string; scaling: string } | undefined {
  return Object.hasOwn(SHORT, base) ? SHORT[base] : undefined;
}

/**
 * Parses the name of a scaling.
 *
 * @throws {RangeError} If the name is unknown.
 */
export function parseScaling(name: string): Scaling {
  if (Object.hasOwn(SCALINGS, name)) return SCALINGS[name]!;
  const history = Number(/^delayed-([1-9][0-9]*)$/.exec(name)?.[1]);
  if (history === HISTORY) {
    throw new RangeError(`Cannot use the scaling ${name}: expected its name, delayed.`); // one scaling, one name
  }
  if (history <= LONGEST_HISTORY) return { name, kind: "delayed", history };
  throw new RangeError(`Cannot use the scaling ${JSON.stringify(name)}: expected ${SCALING_NAMES}.`);
}

/**
 * Parses the names of a format and a scaling.
 *
 * @throws {RangeError} If a name is unknown, or the format does not support scaling. Formats with 8 bits of exponent
 * have float32's range and need no scaling.
 */
export function quantizerOf(names: QuantizerNames): Quantizer {
  const full = fullQuantizerNames(names);
  if (full.scaling === undefined) {
    const format = parseFormat(full.format);
    return { name: format.name, format, scaling: undefined };
  }
  const short = shortName(full.format.split("-")[0]!);
  if (short !== undefined) {
    throw new RangeError(
      `Cannot use ${full.format} with the scaling ${full.scaling}: expected ${full.format} alone, which has the scaling ` +
        `${short.scaling}.`,
    );
  }
  const format = parseTensorFormat(full.format), scaling = parseScaling(full.scaling);
  if (format.exponent === 8) {
    throw new RangeError(
      `Cannot scale ${format.name}: expected a format of less range than float32, got one with 8 bits of exponent. ` +
        "Omit the scaling.",
    );
  }
  if (format.rounding === "kahan") {
    throw new RangeError(
      `Cannot scale ${format.name}: expected a rounding of values, got kahan, which compensates weight updates.`,
    );
  }
  return { name: `${format.name}/${scaling.name}`, format, scaling };
}

/** Splits `FORMAT/SCALING` into the two names and replaces short names. The names are not validated. */
export function splitQuantizer(text: string): QuantizerNames {
  const at = text.indexOf("/");
  return fullQuantizerNames(
    at < 0 ? { format: text } : { format: text.slice(0, at), scaling: text.slice(at + 1) },
  );
}

/**
 * Parses `FORMAT` or `FORMAT/SCALING`, such as `e4m3fn-stochastic/mx`.
 *
 * @throws {RangeError} If a name is unknown, or the format does not support scaling.
 */
export function parseQuantizer(text: string): Quantizer {
  return quantizerOf(splitQuantizer(text));
}
