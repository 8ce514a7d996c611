/**
 * Extreme values of a tensor. Plain data.
 *
 * @module
 */

/** Extreme values of a tensor. */
export interface Extremes {
  /**
   * Format to which the values are rounded: an element type such as `bfloat16`, or an emulated format such as `e4m3`.
   */
  readonly format: string;
  /** Shape of the tensor. */
  readonly shape: readonly number[];
  /** Smallest finite value. NaN if no value is finite. */
  readonly min: number;
  /** Largest finite value. NaN if no value is finite. */
  readonly max: number;
  /** Share of values that are NaN or infinite, in [0, 1]. */
  readonly nonFinite: number;
  /** Largest finite number that the format can represent. */
  readonly largest: number;
}
