/**
 * The interface of token ids from which batches are made, in memory or in a file.
 *
 * @module
 */

/** Token ids that are read in ranges. An `Int32Array` is one. */
export interface Tokens {
  /** Number of tokens. */
  readonly length: number;
  /**
   * Returns the ids from `start` to before `end`, both in [0, length]. The result may be a view and must not be
   * written.
   */
  subarray(start: number, end: number): Int32Array;
  /**
   * Ascending positions where documents begin, the first at 0. An empty document begins where the next one does.
   * Default: the tokens are one text, and windows may begin and end anywhere.
   */
  readonly documentStarts?: Float64Array | undefined;
}
