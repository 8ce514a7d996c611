/**
 * The choice of a token from logits, on the host. No tensors.
 *
 * @module
 */
import type { Random } from "../text/random.ts";

/** How tokens are chosen. */
export interface SampleOptions {
  /** What logits are divided by, at least 0. 0: always the likeliest, of equal ones the first. Default 1. */
  readonly temperature?: number | undefined;
  /** Only the `topK` likeliest tokens are considered, at least 1; default: all. Of equal ones the first. */
  readonly topK?: number | undefined;
  /**
   * Only the likeliest tokens whose probabilities together reach `topP` are considered, in (0, 1] (Holtzman et al.
   * 2020); default 1: all. Counted among those that `topK` left.
   */
  readonly topP?: number | undefined;
}

/**
 * Checks options.
 *
 * @throws {RangeError} naming the option that does not fit.
 */
export function validateSampleOptions({ temperature = 1, topK = 1, topP = 1 }: SampleOptions): void {
  const refuse = (name: string, wanted: string, given: number) => {
    throw new RangeError(`Cannot sample: ${name} must be ${wanted}: it is ${given}`);
  };
  if (!(Number.isFinite(temperature) && temperature >= 0)) {
    refuse("temperature", "a finite number of at least 0", temperature);
  }
  if (!(Number.isInteger(topK) && topK >= 1)) refuse("topK", "a whole number of at least 1", topK);
  if (!(topP > 0 && topP <= 1)) refuse("topP", "above 0 and at most 1", topP);
}

/**
 * Chooses a token.
 *
 * @param logits One for each token, [V].
 * @param random Where chance comes from; one draw a token, none at temperature 0.
 * @param options See {@linkcode SampleOptions}.
 * @returns A token id in [0, V).
 * @throws {RangeError} when a logit is NaN or Infinity, or all are -Infinity; or for options that do not fit.
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
  return best; // what rounding left over
}

/** The shortest beginning of sorted ids that holds the share `topP` of the weights. */
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
        `Cannot sample: logits must be finite: that of token ${id} is ${logit}. The model has diverged`,
      );
    }
    if (logit > logits[best]!) best = id;
  }
  if (!(logits[best]! > -Infinity)) {
    throw new RangeError(`Cannot sample: wanted a finite logit among ${logits.length}: there is none`);
  }
  return best;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
