/**
 * Seeded random numbers in named streams, with the same bits on every machine. Batches, initial weights and sampling
 * use separate streams. Drawing more numbers from one stream thus does not change the others. Not suitable for
 * cryptography.
 *
 * Generator: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021). A stream
 * starts at the first 128 bits of SHA-256 over its seed and name, so streams are independent for any seeds.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { formatCount } from "./_checks.ts";
import { portableLog } from "./_portable_log.ts";

/** Position in a random stream, as plain JSON for checkpoints. */
export interface RandomState {
  /** Name of the generator. */
  readonly algorithm: "xoshiro128**";
  /** State of the generator: four 32-bit words, not all 0. */
  readonly words: readonly [number, number, number, number];
  /** Normal numbers are computed in pairs. The second number of the last pair if it is unused, otherwise null. */
  readonly spareNormal: number | null;
}

/** A stream of random numbers. */
export interface Random {
  /** Returns the next 32 bits as an integer in [0, 2^32). */
  nextUint32(): number;
  /** Returns a uniform random number in [0, 1) with 53 random bits, a multiple of 2^-53. */
  uniform(): number;
  /**
   * Returns a uniform random integer in [0, n), by rejection sampling.
   *
   * @throws {RangeError} If n is not an integer in [1, 2^32].
   */
  integer(n: number): number;
  /**
   * Returns a random number from the standard normal distribution, by Marsaglia's polar method.
   *
   * The number has the same bits on every machine, since the method and its logarithm use only operations that IEEE 754
   * rounds correctly (+, -, *, / and square root).
   */
  normal(): number;
  /**
   * Fills an array with normal random numbers. Each number is computed in float64 and rounded once to float32.
   *
   * @param target The array to fill.
   * @param options `mean`: mean (default: 0). `std`: standard deviation, at least 0 (default: 1).
   * @returns The array `target`.
   * @throws {RangeError} If mean or std is not finite, or std is below 0.
   */
  fillNormal<A extends Float32Array>(target: A, options?: { mean?: number; std?: number }): A;
  /** Returns the current position in the stream. */
  state(): RandomState;
  /**
   * Moves the stream to a position that {@linkcode Random.state} returned.
   *
   * @throws {TypeError} If the value is not a position.
   */
  restore(state: RandomState): void;
}

/**
 * Creates a random stream, at its start. Equal seeds and names give equal numbers on every machine.
 *
 * @param seed Seed, an integer in [0, 2^53).
 * @param stream Name of the stream, such as `batches`. Streams of different names are independent.
 * @throws {RangeError} If the seed is not an integer in [0, 2^53).
 */
export function createRandom(seed: number, stream: string): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(
      `Cannot make random numbers: expected an integer in [0, 2^53) for the seed, got ${seed}`,
    );
  }
  const digest = createHash("sha256").update(`${seed}:${stream}`, "utf8").digest();
  return new Xoshiro128([0, 4, 8, 12].map((offset) => digest.readUInt32LE(offset)));
}

const TWO_32 = 2 ** 32;

/** A xoshiro128** stream that starts at the given words. */
class Xoshiro128 implements Random {
  readonly #words: Uint32Array;
  readonly #pair = new Float64Array(2);
  #spareNormal: number | null = null;

  constructor(words: readonly number[]) {
    this.#words = Uint32Array.from(words);
  }

  nextUint32(): number {
    const s = this.#words;
    const s0 = s[0]!, s1 = s[1]!, s2 = s[2]!, s3 = s[3]!; // destructuring an array takes a third of the time of a normal number
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const mixed2 = s2 ^ s0;
    const mixed3 = s3 ^ s1;
    s[0] = s0 ^ mixed3;
    s[1] = s1 ^ mixed2;
    s[2] = mixed2 ^ (s1 << 9);
    s[3] = (mixed3 << 11) | (mixed3 >>> 21);
    return result;
  }

  uniform(): number {
    const high = this.nextUint32() >>> 5; // 27 bits
    const low = this.nextUint32() >>> 6; // 26 bits
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) {
      throw new RangeError(
        `Cannot draw an integer: expected an integer in [1, ${formatCount(TWO_32)}] for n, got ${
          formatCount(n)
        }`,
      );
    }
    const limit = TWO_32 - (TWO_32 % n);
    let drawn = this.nextUint32();
    while (drawn >= limit) drawn = this.nextUint32();
    return drawn % n;
  }

  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    this.#drawPair();
    this.#spareNormal = this.#pair[1]!;
    return this.#pair[0]!;
  }

  /** Draws two normal numbers into `#pair`. */
  #drawPair(): void {
    while (true) {
      const a = 2 * this.uniform() - 1;
      const b = 2 * this.uniform() - 1;
      const square = a * a + b * b;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt(-2 * portableLog(square) / square);
      this.#pair[0] = a * factor;
      this.#pair[1] = b * factor;
      return;
    }
  }

  fillNormal<A extends Float32Array>(target: A, options: { mean?: number; std?: number } = {}): A {
    const { mean = 0, std = 1 } = options;
    if (!Number.isFinite(mean)) {
      throw new RangeError(`Cannot draw normal numbers: expected a finite mean, got ${mean}`);
    }
    if (!Number.isFinite(std) || std < 0) {
      throw new RangeError(`Cannot draw normal numbers: expected a finite std >= 0, got ${std}`);
    }
    const pair = this.#pair;
    let i = 0;
    if (this.#spareNormal !== null && target.length > 0) target[i++] = mean + std * this.normal();
    for (; i + 1 < target.length; i += 2) {
      this.#drawPair();
      target[i] = mean + std * pair[0]!;
      target[i + 1] = mean + std * pair[1]!;
    }
    if (i < target.length) target[i] = mean + std * this.normal();
    return target;
  }

  state(): RandomState {
    const [a = 0, b = 0, c = 0, d = 0] = this.#words;
    return { algorithm: "xoshiro128**", words: [a, b, c, d], spareNormal: this.#spareNormal };
  }

  restore(state: RandomState): void {
    if (!isRandomState(state)) {
      throw new TypeError(
        `Cannot restore random numbers: expected a state returned by state(), got ${JSON.stringify(state)}`,
      );
    }
    this.#words.set(state.words);
    this.#spareNormal = state.spareNormal;
  }
}

/** Returns true if a value is a valid state of the generator. */
function isRandomState(value: unknown): value is RandomState {
  if (typeof value !== "object" || value === null) return false;
  const { algorithm, words, spareNormal } = value as Record<string, unknown>;
  return algorithm === "xoshiro128**" && Array.isArray(words) && words.length === 4 &&
    words.every((word) => Number.isInteger(word) && word >= 0 && word < TWO_32) &&
    words.some((word) => word !== 0) && // all zeros is a fixed point of the generator
    (spareNormal === null || Number.isFinite(spareNormal));
}
