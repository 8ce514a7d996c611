/**
 * Keyed permutations of 0 ... n - 1 of which single values are asked for: no list of n places is made or kept, so an
 * epoch over a billion tokens takes no memory, and going on in its middle takes no time.
 *
 * A Feistel network over the next larger power of four, walked until it comes back below n (Black and Rogaway, "Ciphers
 * with arbitrary finite domains", 2002). It is for shuffling, not for secrets.
 *
 * @module
 */
import type { Random } from "./random.ts";

const ROUNDS = 6;

/** Fewer bits in a half would leave too few different rounds for small n. */
const LEAST_HALF_BITS = 4;

/**
 * Makes a permutation.
 *
 * @param n How many places, in [1, 2^32].
 * @param random What the keys are drawn from: six numbers.
 * @returns The place that each place in [0, n) goes to.
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

/** Spreads 32 bits: the finaliser of MurmurHash3 (Appleby, public domain). */
function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
