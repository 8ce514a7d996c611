/**
 * A text whose entropy is known exactly: a Markov source over characters. What a perfect model loses on it is a number, so
 * that training can be checked against it. Loading it as a corpus is `data/markov.ts`.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";
import { portableLog } from "./_portable_log.ts";
import { createRandom, type Random } from "./random.ts";

/** What defines a source. */
export interface MarkovOptions {
  /** k, how many characters there are, from 2 to 64. */
  readonly symbols: number;
  /** m, how many characters the next one depends on, at least 1; k^m at most 1,024. */
  readonly order: number;
  /**
   * How uneven the chances are, a whole number from 1 to 16: seven eighths of each row of chances are drawn from
   * exponential numbers to this power, one eighth is the same for all characters. 1: even; larger: few characters have
   * most of the chance.
   */
  readonly peak: number;
  /** Seed of the chances and of the text, a whole number in [0, 2^53). */
  readonly seed: number;
}

/** A stationary Markov source. */
export interface MarkovSource {
  /** Its characters. */
  readonly alphabet: string;
  /**
   * Chances of the next character, [k^m, k] in row-major order: row c is the context whose characters are the digits of c
   * to the base k, the oldest first.
   */
  readonly chances: Float64Array;
  /** How often each context occurs in the long run, [k^m]; they add up to 1. */
  readonly stationary: Float64Array;
  /** The entropy rate in nats per character: the loss of a model that knows the chances and at least m characters. */
  readonly entropyRate: number;
  /**
   * The least loss in nats per character in windows of T characters, whose first targets have fewer than m characters
   * before them. It is the entropy rate where m is 1, and comes near it with larger T.
   */
  optimalLoss(T: number): number;
  /**
   * Characters of the source, beginning in its stationary state: text number `stream` of its endlessly many.
   */
  generate(length: number, stream?: string): string;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.";

const MAX_CONTEXTS = 1024;

/**
 * The share of each row of chances that is spread over all characters alike: no character is rare beyond measure, and
 * what was forgets itself in some ten characters, so that a text of a million has the statistics of the long run.
 */
const SPREAD = 1 / 8;

/**
 * Makes a source. Equal options give equal chances and texts on every machine.
 *
 * @throws {RangeError} if an option is out of its range.
 */
export function createMarkovSource(options: MarkovOptions): MarkovSource {
  const { symbols: k, order: m, peak, seed } = options;
  requireRange("symbols", k, [2, ALPHABET.length]);
  requireRange("order", m, [1, 10]);
  requireRange("peak", peak, [1, 16]);
  const contexts = k ** m;
  if (contexts > MAX_CONTEXTS) {
    throw new RangeError(
      `Cannot make a Markov source: expected symbols to the power of order <= ${
        formatCount(MAX_CONTEXTS)
      }, ` +
        `got ${formatCount(contexts)}`,
    );
  }
  const alphabet = ALPHABET.slice(0, k);
  const chances = drawChances(createRandom(seed, "markov/chances"), { contexts, k, peak });
  const stationary = stationaryOf(chances, k);
  const conditional = conditionalEntropies(chances, stationary, { k, m });
  return {
    alphabet,
    chances,
    stationary,
    entropyRate: conditional[m]!,
    optimalLoss: (T) => {
      let sum = 0;
      for (let t = 1; t <= T; t++) sum += conditional[Math.min(t, m)]!;
      return sum / T;
    },
    generate: (length, stream = "text") =>
      generate({ alphabet, chances, stationary, order: m }, {
        length,
        random: createRandom(seed, `markov/${stream}`),
      }),
  };
}

function requireRange(name: string, value: number, [least, most]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(
    `Cannot make a Markov source: expected an integer from ${least} to ${most} for ${name}, got ${value}`,
  );
}

/** Rows of chances: exponential numbers to a power, divided by their sum, and some of all alike. */
function drawChances(
  random: Random,
  { contexts, k, peak }: { contexts: number; k: number; peak: number },
): Float64Array {
  const chances = new Float64Array(contexts * k);
  for (let row = 0; row < contexts; row++) {
    let sum = 0;
    for (let s = 0; s < k; s++) {
      const exponential = -portableLog(1 - random.uniform());
      let weight = 1;
      for (let i = 0; i < peak; i++) weight *= exponential;
      chances[row * k + s] = weight;
      sum += weight;
    }
    for (let s = 0; s < k; s++) {
      chances[row * k + s] = (1 - SPREAD) * chances[row * k + s]! / sum + SPREAD / k;
    }
  }
  return chances;
}

/**
 * The stationary distribution over contexts, by the elimination of Grassmann, Taksar and Heyman (1985), which subtracts
 * nothing and so loses no digits.
 */
function stationaryOf(chances: Float64Array, k: number): Float64Array {
  const n = chances.length / k;
  const matrix = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let s = 0; s < k; s++) matrix[row * n + (row * k + s) % n]! += chances[row * k + s]!;
  }
  for (let last = n - 1; last > 0; last--) {
    let leaving = 0;
    for (let to = 0; to < last; to++) leaving += matrix[last * n + to]!;
    for (let from = 0; from < last; from++) {
      const share = matrix[from * n + last]! / leaving;
      matrix[from * n + last] = share;
      if (share === 0) continue;
      for (let to = 0; to < last; to++) matrix[from * n + to]! += share * matrix[last * n + to]!;
    }
  }
  const stationary = new Float64Array(n);
  stationary[0] = 1;
  let total = 1;
  for (let to = 1; to < n; to++) {
    let sum = 0;
    for (let from = 0; from < to; from++) sum += stationary[from]! * matrix[from * n + to]!;
    stationary[to] = sum;
    total += sum;
  }
  return stationary.map((weight) => weight / total);
}

/** The entropy of the next character given the last t, in nats, for t from 0 to m. */
function conditionalEntropies(
  chances: Float64Array,
  stationary: Float64Array,
  { k, m }: { k: number; m: number },
): number[] {
  // Chances of all texts of m + 1 characters; those of t + 1 are sums over the oldest ones.
  const joint = chances.map((chance, i) => stationary[Math.floor(i / k)]! * chance);
  const blocks = [joint];
  for (let t = m; t > 0; t--) {
    const longer = blocks[0]!, shorter = new Float64Array(longer.length / k);
    for (let i = 0; i < longer.length; i++) shorter[i % shorter.length]! += longer[i]!;
    blocks.unshift(shorter);
  }
  return blocks.map((block, t) => entropy(block) - (t === 0 ? 0 : entropy(blocks[t - 1]!)));
}

function entropy(chances: Float64Array): number {
  let sum = 0;
  for (const chance of chances) if (chance > 0) sum -= chance * portableLog(chance);
  return sum;
}

function generate(
  { alphabet, chances, stationary, order }: Pick<MarkovSource, "alphabet" | "chances" | "stationary"> & {
    order: number;
  },
  { length, random }: { length: number; random: Random },
): string {
  const k = alphabet.length, contexts = stationary.length;
  const bytes = new Uint8Array(length);
  let context = pick(stationary, { start: 0, count: contexts, random });
  // The characters of the first context are the text's first.
  for (let rest = context, at = order - 1; at >= 0; at--) {
    if (at < length) bytes[at] = alphabet.charCodeAt(rest % k);
    rest = Math.floor(rest / k);
  }
  for (let at = order; at < length; at++) {
    const symbol = pick(chances, { start: context * k, count: k, random });
    bytes[at] = alphabet.charCodeAt(symbol);
    context = (context * k + symbol) % contexts;
  }
  return new TextDecoder().decode(bytes);
}

/** Draws a place of a stretch of chances that add up to 1. */
function pick(
  chances: Float64Array,
  { start, count, random }: { start: number; count: number; random: Random },
): number {
  let left = random.uniform();
  for (let i = 0; i < count - 1; i++) {
    left -= chances[start + i]!;
    if (left < 0) return i;
  }
  return count - 1;
}
