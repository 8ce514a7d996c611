/**
 * Loss metrics, computed in float64 from arrays on the host.
 *
 * @module
 */

/** Returns the perplexity, exp(`nats`). `nats` is a mean loss in nats per token. */
export function perplexity(nats: number): number {
  return Math.exp(nats);
}

/**
 * Returns bits per byte of text: nats / (ln 2 · bytes). Unlike nats per token, bits per byte are comparable across
 * vocabularies.
 *
 * @param nats Sum of the losses of the targets, in nats.
 * @param bytes Number of UTF-8 bytes of the same targets.
 */
export function bitsPerByte(nats: number, bytes: number): number {
  return nats / (Math.LN2 * bytes);
}

/**
 * Returns the mean loss at each position of a sequence. The decrease along positions shows the benefit of context.
 *
 * @param losses Loss of each target in nats, [B · T] in row-major order.
 * @param options `T`: sequence length. `counted`: false for each target to exclude, [B · T]. Default: all targets
 * count.
 * @returns [T], in nats per token. NaN at positions without targets that count.
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
