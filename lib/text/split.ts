/**
 * Division of a corpus into a training split and a validation split. Both are contiguous. The validation split is the
 * end of the text: a random choice of windows would put neighboring, correlated windows into different splits. Only a
 * few bytes around the boundary are read.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";
import { nextCharacter } from "./_utf8.ts";
import type { Corpus, TextDocument } from "./corpus.ts";

/** Options for splitting a corpus. */
export interface SplitOptions {
  /** Size of the validation split as a share of the text's bytes, in (0, 1). Default: 0.1. */
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
 * Splits a corpus into a training and a validation split. The boundary is between two characters, possibly inside a
 * document.
 *
 * @returns The byte ranges of both splits.
 * @throws {RangeError} If the share is not in (0, 1), or a split would be empty.
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
 * Returns the part of a text from byte `from` to before byte `to`. Both offsets are moved forward to the start of a
 * character.
 *
 * @param stretches Byte ranges whose concatenation is the text.
 * @param from Offset of the first byte.
 * @param to Offset after the last byte.
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
