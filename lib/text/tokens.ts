/**
 * What batches are cut from: token ids in order, in memory or in a file, and where documents begin in them.
 *
 * @module
 */

/** Token ids that can be read in stretches. An `Int32Array` is one. */
export interface Tokens {
  /** How many there are. */
  readonly length: number;
  /**
   * The ids from `start` to before `end`, both in [0, length]. The caller must not write to them: they may be a view.
   */
  subarray(start: number, end: number): Int32Array;
  /**
   * Where each document begins, rising, the first at 0; an empty document begins where the next one does. Left out: it
   * is all one text, and windows may begin and end anywhere.
   */
  readonly documentStarts?: Float64Array | undefined;
}
