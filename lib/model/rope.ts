/**
 * Rotary positions: frequencies with an optional scaling, and tables of cosines and sines.
 *
 * Frequencies, angles and tables are computed in float32, as in transformers. Long positions then agree with
 * transformers' tables within the last bit.
 *
 * @module
 */

/** Scaling of the rotary frequencies, for contexts longer than those of pretraining. */
export type RopeScaling =
  | { readonly kind: "none" }
  | {
    /** Position interpolation: all frequencies are divided by `factor` (Chen et al. 2023). */
    readonly kind: "linear";
    readonly factor: number;
  }
  | {
    /**
     * Llama 3.1's scaling: low frequencies are divided by `factor`, high frequencies are kept, and frequencies between
     * are interpolated.
     */
    readonly kind: "llama3";
    readonly factor: number;
    /** Frequencies with a wavelength above `length / low` tokens are divided by `factor`. */
    readonly low: number;
    /** Frequencies with a wavelength below `length / high` tokens are kept. */
    readonly high: number;
    /** Context length of pretraining, in tokens. */
    readonly length: number;
  };

/** Syntax of scalings, for error messages. */
const SYNTAX = "none, linear:FACTOR, or llama3:FACTOR,LOW,HIGH,LENGTH";

/**
 * Parses a scaling: `none`, `linear:FACTOR` or `llama3:FACTOR,LOW,HIGH,LENGTH`, such as `llama3:8,1,4,8192`.
 *
 * @throws {RangeError} If the text has another form, a number is not above 0, or LOW is not below HIGH.
 */
export function parseRopeScaling(text: string): RopeScaling {
  if (text === "none") return { kind: "none" };
  const [kind, list, ...more] = text.split(":");
  const numbers = (list ?? "").split(",").map((number) => number.trim() === "" ? NaN : Number(number));
  const valid = more.length === 0 && numbers.every((number) => Number.isFinite(number) && number > 0);
  const [factor, low, high, length] = numbers as [number, number, number, number];
  if (valid && kind === "linear" && numbers.length === 1) return { kind, factor };
  if (valid && kind === "llama3" && numbers.length === 4 && low < high) {
    return { kind, factor, low, high, length };
  }
  throw new RangeError(
    `Cannot scale rotary frequencies: expected ${SYNTAX}, with numbers above 0 and LOW < HIGH, got ${
      JSON.stringify(text)
    }.`,
  );
}

/** Formats a scaling as text that {@linkcode parseRopeScaling} accepts. */
export function formatRopeScaling(scaling: RopeScaling): string {
  switch (scaling.kind) {
    case "none":
      return "none";
    case "linear":
      return `linear:${scaling.factor}`;
    case "llama3":
      return `llama3:${scaling.factor},${scaling.low},${scaling.high},${scaling.length}`;
  }
}

const { fround } = Math;

/**
 * Returns the rotary frequencies in radians per token, float32 [D / 2]. Frequency i is theta^(-2 i / D) before scaling.
 *
 * @param D Head size, even.
 * @param options `theta`: base of the frequencies. `scaling`: scaling of the frequencies.
 */
export function ropeFrequencies(
  D: number,
  { theta, scaling }: { theta: number; scaling: RopeScaling },
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: D / 2 }, (_, i) => {
    const frequency = fround(1 / fround(theta ** fround(2 * i / D)));
    if (scaling.kind === "none") return frequency;
    if (scaling.kind === "linear") return frequency / scaling.factor;
    const { factor, low, high, length } = scaling;
    const wavelength = 2 * Math.PI / frequency;
    if (wavelength < length / high) return frequency;
    if (wavelength > length / low) return frequency / factor;
    const kept = (length / wavelength - low) / (high - low); // share of the unscaled frequency
    return (1 - kept) * frequency / factor + kept * frequency;
  });
}

/** Cosines and sines of the rotary angles of positions. */
export interface RopeTables {
  /** Cosines, float32 [T, D / 2]. */
  readonly cos: Float32Array<ArrayBuffer>;
  /** Sines, float32 [T, D / 2]. */
  readonly sin: Float32Array<ArrayBuffer>;
}

/** Returns the cosines and sines of the rotary angles of positions 0 to T - 1. */
export function ropeTables(frequencies: Float32Array, T: number): RopeTables {
  const half = frequencies.length;
  const angles = Float32Array.from(
    { length: T * half },
    (_, i) => Math.floor(i / half) * frequencies[i % half]!, // rounded to float32, as in transformers
  );
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}
