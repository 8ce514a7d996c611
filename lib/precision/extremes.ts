/**
 * Extreme values of a tensor. Plain data.
 *
 * @module
 */

/** Extreme values of a tensor. */
export interface Extremes {
  /** Format of the values: an element type, or the format of a rounding, such as `e4m3`. */
  readonly format: string;
  /** Shape. */
  readonly shape: readonly number[];
  /** Smallest finite value; NaN without a finite value. */
  readonly min: number;
  /** Largest finite value; NaN without a finite value. */
  readonly max: number;
  /** Share of values that are NaN or infinite, in [0, 1]. */
  readonly nonFinite: number;
  /** Largest number of the format. */
  readonly largest: number;
}
