/**
 * A random source of text whose entropy is known exactly: a Markov chain over characters. The loss of an optimal model
 * is thus a known number, to which the loss of a trained model can be compared. `data/markov.ts` loads such a text as a
 * corpus.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";
import { portableLog } from "./_portable_log.ts";
import { createRandom, type Random } from "./random.ts";

/** Parameters of a Markov source. */
export interface MarkovOptions {
  /** k, the number of different characters, from 2 to 64. */
  readonly symbols: number;
  /**
   * m, the number of previous characters that determine the distribution of the next one, from 1 to 10. k^m is at most
   * 1,024.
   */
  readonly order: number;
  /**
   * Unevenness of the transition probabilities, an integer from 1 to 16. Larger values concentrate the probability on
   * fewer characters. The probabilities of a context are 7/8 w + 1/8 · 1/k. Each w is an exponentially distributed
   * random number, raised to this power and then divided by the sum of all w of the context.
   */
  readonly peak: number;
  /** Seed of the transition probabilities and of the text, an integer in [0, 2^53). */
  readonly seed: number;
}

/** A stationary Markov source with k characters and order m. A context is the last m characters. */
export interface MarkovSource {
  /** The k characters of the source. */
  readonly alphabet: string;
  /**
   * Transition probabilities, shape [k^m, k] in row-major order. Row c holds the probabilities of the next character
   * after context c. The base-k digits of c are the indices of the context's characters, oldest character first.
   */
  readonly transitions: Float64Array;
  /** Stationary distribution over contexts, shape [k^m]. It sums to 1. */
  readonly stationary: Float64Array;
  /**
   * Entropy rate in nats per character: the expected loss of an optimal model with at least m characters of context.
   */
  readonly entropyRate: number;
  /**
   * Returns the expected loss of an optimal model over windows of T characters, in nats per character. The first
   * targets of a window have fewer than m characters of context. The loss is thus above the entropy rate if m > 1, and
   * approaches it with growing T.
   */
  optimalLoss(T: number): number;
  /**
   * Generates a text. Its first context is drawn from the stationary distribution.
   *
   * @param length Number of characters.
   * @param stream Name of the random stream. Different names give independent texts. Default: text.
   */
  generate(length: number, stream?: string): string;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.";

const MAX_CONTEXTS = 1024;

/**
 * Share of each row of probabilities that is uniform. It bounds probabilities away from 0. It also makes the source
 * forget its past within about ten characters, so that a text of a million characters has stationary statistics.
 */
const SPREAD = 1 / 8;

/**
 * Creates a Markov source. Equal options give equal transition probabilities and equal texts on every machine.
 *
 * @throws {RangeError} If an option is out of range.
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
  const transitions = drawTransitions(createRandom(seed, "markov/chances"), { contexts, k, peak });
  const stationary = stationaryOf(transitions, k);
  const conditional = conditionalEntropies(transitions, stationary, { k, m });
  return {
    alphabet,
    transitions,
    stationary,
    entropyRate: conditional[m]!,
    optimalLoss: (T) => {
      let sum = 0;
      for (let t = 1; t <= T; t++) sum += conditional[Math.min(t, m)]!;
      return sum / T;
    },
    generate: (length, stream = "text") =>
      generate({ alphabet, transitions, stationary, order: m }, {
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

/**
 * Draws rows of transition probabilities: normalized powers of exponential random numbers, mixed with a uniform share.
 */
function drawTransitions(
  random: Random,
  { contexts, k, peak }: { contexts: number; k: number; peak: number },
): Float64Array {
  const transitions = new Float64Array(contexts * k);
  for (let row = 0; row < contexts; row++) {
    let sum = 0;
    for (let s = 0; s < k; s++) {
      const exponential = -portableLog(1 - random.uniform());
      let weight = 1;
      for (let i = 0; i < peak; i++) weight *= exponential;
      transitions[row * k + s] = weight;
      sum += weight;
    }
    for (let s = 0; s < k; s++) {
      transitions[row * k + s] = (1 - SPREAD) * transitions[row * k + s]! / sum + SPREAD / k;
    }
  }
  return transitions;
}

/**
 * Returns the stationary distribution over contexts, by the elimination of Grassmann, Taksar and Heyman (1985). The
 * method uses no subtraction, so it loses no digits.
 */
function stationaryOf(transitions: Float64Array, k: number): Float64Array {
  const n = transitions.length / k;
  const matrix = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let s = 0; s < k; s++) matrix[row * n + (row * k + s) % n]! += transitions[row * k + s]!;
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

/** Returns the entropy of the next character given the last t, in nats, for t from 0 to m. */
function conditionalEntropies(
  transitions: Float64Array,
  stationary: Float64Array,
  { k, m }: { k: number; m: number },
): number[] {
  // Probabilities of all texts of m + 1 characters; those of t + 1 are sums over the oldest characters.
  const joint = transitions.map((probability, i) => stationary[Math.floor(i / k)]! * probability);
  const blocks = [joint];
  for (let t = m; t > 0; t--) {
    const longer = blocks[0]!, shorter = new Float64Array(longer.length / k);
    for (let i = 0; i < longer.length; i++) shorter[i % shorter.length]! += longer[i]!;
    blocks.unshift(shorter);
  }
  return blocks.map((block, t) => entropy(block) - (t === 0 ? 0 : entropy(blocks[t - 1]!)));
}

function entropy(transitions: Float64Array): number {
  let sum = 0;
  for (const probability of transitions) if (probability > 0) sum -= probability * portableLog(probability);
  return sum;
}

function generate(
  { alphabet, transitions, stationary, order }:
    & Pick<MarkovSource, "alphabet" | "transitions" | "stationary">
    & {
      order: number;
    },
  { length, random }: { length: number; random: Random },
): string {
  const k = alphabet.length, contexts = stationary.length;
  const bytes = new Uint8Array(length);
  let context = pick(stationary, { start: 0, count: contexts, random });
  // The characters of the first context are the first characters of the text.
  for (let rest = context, at = order - 1; at >= 0; at--) {
    if (at < length) bytes[at] = alphabet.charCodeAt(rest % k);
    rest = Math.floor(rest / k);
  }
  for (let at = order; at < length; at++) {
    const symbol = pick(transitions, { start: context * k, count: k, random });
    bytes[at] = alphabet.charCodeAt(symbol);
    context = (context * k + symbol) % contexts;
  }
  return new TextDecoder().decode(bytes);
}

/** Draws an index of a range of probabilities that sum to 1. */
function pick(
  transitions: Float64Array,
  { start, count, random }: { start: number; count: number; random: Random },
): number {
  let left = random.uniform();
  for (let i = 0; i < count - 1; i++) {
    left -= transitions[start + i]!;
    if (left < 0) return i;
  }
  return count - 1;
}
