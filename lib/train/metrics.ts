/**
 * Loss metrics: plain numbers computed from plain arrays, in float64.
 *
 * @module
 */

/** Returns the perplexity, exp(nats per token): the equivalent number of equally likely tokens. */
export function perplexity(nats: number): number {
  return Math.exp(nats);
}

/**
 * Returns bits per byte of text: nats / (ln 2 · bytes). Unlike nats per token, it is comparable across vocabularies.
 *
 * @param nats The sum of the losses of the counted targets.
 * @param bytes Bytes of UTF-8 of the same targets.
 */
export function bitsPerByte(nats: number, bytes: number): number {
  return nats / (Math.LN2 * bytes);
}

/**
 * Returns the mean loss at each position of a sequence, which shows the benefit of context.
 *
 * @param losses Losses of tokens in nats, [B · T] in row-major order.
 * @param options `T`; `counted`: whether each token counts, [B · T]. Default: all count.
 * @returns [T]; NaN for positions without counted tokens.
 * @throws {RangeError} If the number of losses is not a multiple of T.
 */
export function positionLosses(
  losses: ArrayLike<number>,
  { T, counted }: { T: number; counted?: ArrayLike<boolean> },
): Float64Array {
  if (!Number.isInteger(T) || T < 1 || losses.length % T !== 0) {
    throw new RangeError(
      `Cannot average losses by position: expected a multiple of T = ${T} losses, got ${losses.length}`,
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
