/**
 * Pseudorandom permutations of 0 ... n - 1, computed one position at a time. No list of n positions is stored. An epoch
 * over a billion tokens thus needs no memory for its order, and can be resumed at any position at once.
 *
 * Method: a Feistel network over the next larger power of four, iterated until the result is below n (Black and
 * Rogaway, "Ciphers with arbitrary finite domains", 2002). Suitable for shuffling, not for cryptography.
 *
 * @module
 */
import type { Random } from "./random.ts";

const ROUNDS = 6;

/** Minimum bits of a half. With fewer bits, small n would have too few distinct round functions. */
const LEAST_HALF_BITS = 4;

/**
 * Creates a pseudorandom permutation.
 *
 * @param n Number of positions, in [1, 2^32].
 * @param random Random stream, from which six numbers are drawn as keys.
 * @returns A function that maps each position in [0, n) to its permuted position.
 */
export function createPermutation(n: number, random: Random): (place: number) => number {
  const keys = Uint32Array.from({ length: ROUNDS }, () => random.nextUint32());
  const half = Math.max(LEAST_HALF_BITS, Math.ceil(Math.log2(n) / 2));
  const size = 2 ** half, mask = size - 1;
  const once = (value: number): number => {
    let left = Math.floor(value / size), right = value % size;
    for (const key of keys) [left, right] = [right, left ^ (mix(right ^ key) & mask)];
    return left * size + right;
  };
  return (place) => {
    let value = once(place);
    while (value >= n) value = once(value);
    return value;
  };
}

/** Mixes 32 bits: the finalizer of MurmurHash3 (Appleby, public domain). */
function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
