/**
 * Sampling of a token from logits, in JavaScript.
 *
 * @module
 */
import type { Random } from "../text/random.ts";

/** Options for sampling a token. */
export interface SampleOptions {
  /**
   * Sampling temperature, at least 0. The logits are divided by it. 0 always selects the most likely token. Of equally
   * likely tokens, it selects the one with the lowest id. Default: 1.
   */
  readonly temperature?: number | undefined;
  /**
   * Number of most likely tokens from which to sample, at least 1. Of equally likely tokens, those with lower ids come
   * first. Default: all tokens.
   */
  readonly topK?: number | undefined;
  /**
   * Nucleus sampling (Holtzman et al. 2020), in (0, 1]: samples from the smallest set of most likely tokens whose total
   * probability reaches `topP`. It is applied after `topK`. Default: 1, all tokens.
   */
  readonly topP?: number | undefined;
}

/**
 * Validates sampling options.
 *
 * @throws {RangeError} If an option is out of range. The message names the option.
 */
export function validateSampleOptions({ temperature = 1, topK = 1, topP = 1 }: SampleOptions): void {
  const refuse = (name: string, wanted: string, given: number) => {
    throw new RangeError(`Cannot sample: expected ${wanted} for ${name}, got ${given}`);
  };
  if (!(Number.isFinite(temperature) && temperature >= 0)) {
    refuse("temperature", "a finite number >= 0", temperature);
  }
  if (!(Number.isInteger(topK) && topK >= 1)) refuse("topK", "an integer >= 1", topK);
  if (!(topP > 0 && topP <= 1)) refuse("topP", "a number above 0 and at most 1", topP);
}

/**
 * Samples a token.
 *
 * @param logits Logits of all tokens, [V].
 * @param random Source of random numbers. One number is drawn, or none at temperature 0.
 * @param options Sampling options.
 * @returns A token id in [0, V).
 * @throws {RangeError} If a logit is NaN or Infinity, all are -Infinity, or an option is out of range.
 */
export function sampleToken(logits: Float32Array, random: Random, options: SampleOptions = {}): number {
  validateSampleOptions(options);
  const { temperature = 1, topK = logits.length, topP = 1 } = options;
  const best = likeliest(logits), most = logits[best]!;
  if (temperature === 0) return best;
  const isAll = topK >= logits.length && topP === 1;
  const ids = isAll ? undefined : nucleus(logits, { topK, topP, temperature });
  const weights = weightsOf(ids === undefined ? logits : ids.map((id) => logits[id]!), { most, temperature });
  let left = random.uniform() * sum(weights);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return ids?.[i] ?? i;
  }
  return best; // reached through rounding only
}

/** Returns unnormalized probabilities. The probability of the largest logit, `most`, is 1. */
function weightsOf(
  logits: ArrayLike<number>,
  { most, temperature }: { most: number; temperature: number },
): Float64Array {
  const weights = new Float64Array(logits.length);
  for (let i = 0; i < weights.length; i++) weights[i] = Math.exp((logits[i]! - most) / temperature);
  return weights;
}

/** Returns the `topK` most likely tokens in order, limited to the fewest whose total probability reaches `topP`. */
function nucleus(
  logits: Float32Array,
  { topK, topP, temperature }: { topK: number; topP: number; temperature: number },
): number[] {
  const descending = logits.slice().sort().reverse();
  const most = descending[0]!, all = Math.min(topK, logits.length);
  const first = (k: number) => {
    const least = descending[k - 1]!;
    const ids = Array.from(logits.keys().filter((id) => logits[id]! >= least));
    return ids.sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, k);
  };
  if (topP === 1) return first(all);
  const enough = topP * sum(weightsOf(descending.subarray(0, all), { most, temperature }));
  for (let k = Math.min(64, all);; k = Math.min(16 * k, all)) { // most lists are short: sorting all tokens is slow
    const ids = first(k), weights = weightsOf(ids.map((id) => logits[id]!), { most, temperature });
    let held = 0;
    const end = weights.findIndex((weight) => (held += weight) >= enough);
    if (end >= 0) return ids.slice(0, end + 1);
    if (k === all) return ids;
  }
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (Number.isNaN(logit) || logit === Infinity) {
      throw new RangeError(
        `Cannot sample: expected finite logits, got ${logit} for token ${id}. The model has diverged`,
      );
    }
    if (logit > logits[best]!) best = id;
  }
  if (!(logits[best]! > -Infinity)) {
    throw new RangeError(`Cannot sample: expected a finite logit, got none among ${logits.length}`);
  }
  return best;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
