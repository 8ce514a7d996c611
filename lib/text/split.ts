/**
 * Cuts a corpus into a training part and a validation part, both contiguous: the validation part is the end. Nothing
 * is shuffled, since neighbouring windows of one text know each other.
 *
 * @module
 */

/** How much of a corpus is for validation. */
export interface SplitOptions {
  /** Share of the validation part, between 0 and 1, both excluded; default 0.1. */
  validationFraction?: number;
}

/**
 * Cuts a text at a code-point boundary: a character of two UTF-16 units is never cut.
 *
 * Split the text before making tokens, so that a byte-pair tokenizer can be trained on the training part alone.
 *
 * @throws {RangeError} if the fraction is not in (0, 1) or a part would be empty.
 */
export function splitText(text: string, options: SplitOptions = {}): { train: string; validation: string } {
  let cut = cutAt(text.length, options);
  // codePointAt sees the whole pair from its first unit only.
  if (text.codePointAt(cut - 1)! > 0xffff) cut += 1;
  if (cut === text.length) throw tooShort(text.length);
  return { train: text.slice(0, cut), validation: text.slice(cut) };
}

/**
 * Cuts an array of tokens, shape [number of tokens]. The parts are views: they share memory with the whole.
 *
 * @throws {RangeError} if the fraction is not in (0, 1) or a part would be empty.
 */
export function splitTokens(
  tokens: Int32Array,
  options: SplitOptions = {},
): { train: Int32Array; validation: Int32Array } {
  const cut = cutAt(tokens.length, options);
  return { train: tokens.subarray(0, cut), validation: tokens.subarray(cut) };
}

/** Length of the training part, with both parts at least 1 long. */
function cutAt(length: number, options: SplitOptions): number {
  const { validationFraction = 0.1 } = options;
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw new RangeError(
      "Cannot split the corpus: validationFraction must be > 0 and < 1: " +
        `validationFraction is ${validationFraction}`,
    );
  }
  if (length < 2) throw tooShort(length);
  const validation = Math.round(length * validationFraction);
  return length - Math.min(Math.max(validation, 1), length - 1);
}

function tooShort(length: number): RangeError {
  return new RangeError(
    `Cannot split the corpus: each part must have at least 1 character or token: the whole has ${length}`,
  );
}
