/**
 * The interface of token ids from which batches are made. The ids are in memory or in a file.
 *
 * @module
 */

/** A sequence of token ids that is read in ranges. An `Int32Array` implements this interface. */
export interface Tokens {
  /** Number of tokens. */
  readonly length: number;
  /**
   * Returns the ids from position `start` to before position `end`, both in [0, length]. The caller must not change the
   * result, since it may be a view.
   */
  subarray(start: number, end: number): Int32Array;
  /**
   * Positions where documents begin, in ascending order from 0. An empty document has the same position as the next
   * document. Default: undefined, for one text without boundaries.
   */
  readonly documentStarts?: Float64Array | undefined;
}
