/**
 * Sampling of a token from logits, in JavaScript.
 *
 * @module
 */
import type { Random } from "../text/random.ts";

/** Options for sampling a token. */
export interface SampleOptions {
  /**
   * Sampling temperature, at least 0: the logits are divided by it. 0 always selects the most likely token; of equal
   * ones, that of the lowest id. Default: 1.
   */
  readonly temperature?: number | undefined;
  /**
   * Number of most likely tokens from which to sample, at least 1. Of equally likely tokens, those of lower id come
   * first. Default: all tokens.
   */
  readonly topK?: number | undefined;
  /**
   * Nucleus sampling, in (0, 1]: samples from the fewest most likely tokens whose total probability reaches `topP`
   * (Holtzman et al. 2020). It is applied after `topK`. Default: 1, all tokens.
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
 * @param random Source of random numbers. One number is drawn; at temperature 0, none.
 * @param options Sampling options.
 * @returns A token id in [0, V).
 * @throws {RangeError} If a logit is NaN or Infinity, all are -Infinity, or an option is out of range.
 */
export function sampleToken(logits: Float32Array, random: Random, options: SampleOptions = {}): number {
  validateSampleOptions(options);
  const { temperature = 1, topK = logits.length, topP = 1 } = options;
  const best = likeliest(logits);
  if (temperature === 0) return best;
  const weightOf = (id: number) => Math.exp((logits[id]! - logits[best]!) / temperature);
  let ids = Array.from(logits.keys());
  if (topK < ids.length || topP < 1) {
    ids = ids.sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, topK);
    if (topP < 1) ids = nucleus(ids, { weightOf, topP });
  }
  const weights = ids.map(weightOf);
  let left = random.uniform() * sum(weights);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return ids[i]!;
  }
  return best; // reached through rounding only
}

/** Returns the shortest prefix of sorted ids whose weights sum to at least `topP` of the total weight. */
function nucleus(
  ids: number[],
  { weightOf, topP }: { weightOf: (id: number) => number; topP: number },
): number[] {
  const weights = ids.map(weightOf);
  const enough = topP * sum(weights);
  let held = 0;
  const end = weights.findIndex((weight) => (held += weight) >= enough);
  return end < 0 ? ids : ids.slice(0, end + 1);
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (const [id, logit] of logits.entries()) {
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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
