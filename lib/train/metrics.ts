/**
 * What is said about losses once they are known: plain numbers of plain arrays, in float64.
 *
 * @module
 */

/**
 * Perplexity, exp(nats per token): among how many equally likely tokens the model in effect chooses.
 */
export function perplexity(nats: number): number {
  return Math.exp(nats);
}

/**
 * Bits per byte of text: nats / (ln 2 · bytes). It compares across vocabularies, which nats per token do not.
 *
 * @param nats The sum of the losses of the counted targets.
 * @param bytes Bytes of UTF-8 of the same targets.
 */
export function bitsPerByte(nats: number, bytes: number): number {
  return nats / (Math.LN2 * bytes);
}

/**
 * The mean loss of each position in its sequence: what more context is worth.
 *
 * @param losses Losses of single tokens in nats, [B · T] in row-major order.
 * @param options `T`; and `counted`, whether a token counts, [B · T] (default: all do).
 * @returns [T]; NaN for a position at which no token counts.
 * @throws {RangeError} if the number of losses is no multiple of T.
 */
export function positionLosses(
  losses: ArrayLike<number>,
  { T, counted }: { T: number; counted?: ArrayLike<boolean> },
): Float64Array {
  if (!Number.isInteger(T) || T < 1 || losses.length % T !== 0) {
    throw new RangeError(
      `Cannot average losses by position: their number must be a multiple of T: there are ${losses.length}, T is ${T}`,
    );
  }
  const sums = new Float64Array(T), counts = new Float64Array(T);
  for (let i = 0; i < losses.length; i++) {
    if (counted?.[i] === false) continue;
    sums[i % T]! += losses[i]!;
    counts[i % T]! += 1;
  }
  return sums.map((sum, t) => sum / counts[t]!);
}
