/**
 * Splits a corpus into a training split and a validation split. Both are contiguous, and the validation split is the end.
 * Nothing is shuffled, since adjacent windows of a text are correlated. Only sizes and a few bytes around the split are
 * read.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";
import { nextCharacter } from "./_utf8.ts";
import type { Corpus, TextDocument } from "./corpus.ts";

/** Options for splitting a corpus. */
export interface SplitOptions {
  /** Share of the validation split in bytes, between 0 and 1, exclusive. Default: 0.1. */
  readonly validationFraction?: number | undefined;
}

/** A contiguous range of a document's bytes. It begins and ends between characters. */
export interface Stretch {
  /** The document. */
  readonly document: TextDocument;
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset after the last byte. */
  readonly end: number;
}

/**
 * Splits a corpus into training and validation text. The split is at the boundary of a character, possibly inside a document.
 *
 * @throws {RangeError} If the fraction is not in (0, 1) or a part would be empty.
 */
export function splitCorpus(
  corpus: Corpus,
  options: SplitOptions = {},
): { train: Stretch[]; validation: Stretch[] } {
  const { documents, bytes } = corpus;
  const { validationFraction = 0.1 } = options;
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw new RangeError(
      `Cannot split the corpus: expected validationFraction > 0 and < 1, got ${validationFraction}`,
    );
  }
  const wanted = Math.max(1, bytes - Math.max(1, Math.round(bytes * validationFraction)));
  const whole = documents.map((document) => ({ document, start: 0, end: document.bytes }));
  const parts = { train: cutStretches(whole, 0, wanted), validation: cutStretches(whole, wanted, bytes) };
  if (parts.train.length > 0 && parts.validation.length > 0) return parts;
  throw new RangeError(
    `Cannot split the corpus: expected at least 1 character in each part, got a corpus of ${
      formatCount(bytes)
    } bytes`,
  );
}

/**
 * Returns the bytes `from` (inclusive) to `to` (exclusive) of concatenated ranges. Both ends are moved forward to the
 * start of a character.
 */
export function cutStretches(stretches: readonly Stretch[], from: number, to: number): Stretch[] {
  const cut: Stretch[] = [];
  let before = 0;
  for (const { document, start, end } of stretches) {
    const edge = (place: number) => {
      const at = start + Math.min(Math.max(place - before, 0), end - start);
      if (at === start || at === end) return at;
      return at + nextCharacter(document.read(at, new Uint8Array(Math.min(3, end - at))), 0);
    };
    const stretch = { document, start: edge(from), end: edge(to) };
    if (stretch.end > stretch.start) cut.push(stretch);
    before += end - start;
  }
  return cut;
}
