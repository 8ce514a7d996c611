/**
 * What a GPT is made of, and the checks of it.
 *
 * @module
 */

/** The sizes of a GPT-2 style decoder. */
export interface GptConfig {
  /** L, blocks; at least 1. */
  readonly nLayer: number;
  /** H, attention heads of each block; a divisor of `nEmbd`. */
  readonly nHead: number;
  /** C, the model's width; at least 1. */
  readonly nEmbd: number;
  /** V, token ids; at least 2, since one alone costs nothing to predict. */
  readonly vocabSize: number;
  /** The longest sequence (T) that it has positions for; at least 1. */
  readonly blockSize: number;
}

/**
 * Checks a config.
 *
 * @throws {RangeError} naming the size that does not fit.
 */
export function validateGptConfig(config: GptConfig): void {
  const least = { nLayer: 1, nHead: 1, nEmbd: 1, vocabSize: 2, blockSize: 1 };
  for (const [name, minimum] of Object.entries(least) as [keyof GptConfig, number][]) {
    if (!Number.isInteger(config[name]) || config[name] < minimum) {
      throw new RangeError(
        `Cannot make a GPT: ${name} must be a whole number of at least ${minimum}: it is ${config[name]}`,
      );
    }
  }
  if (config.nEmbd % config.nHead !== 0) {
    throw new RangeError(
      `Cannot make a GPT: nEmbd must be a multiple of nHead, so that heads share it: ` +
        `nEmbd is ${config.nEmbd}, nHead is ${config.nHead}`,
    );
  }
}
