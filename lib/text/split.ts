/**
 * Cuts a corpus into a training part and a validation part, both contiguous: the validation part is the end. Nothing
 * is shuffled, since neighbouring windows of one text know each other. It looks at sizes, and at a few bytes around the
 * cut: no text is read for it.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";
import { nextCharacter } from "./_utf8.ts";
import type { Corpus, TextDocument } from "./corpus.ts";

/** How much of a corpus is for validation. */
export interface SplitOptions {
  /** Share of the validation part in bytes, between 0 and 1, both excluded; default 0.1. */
  readonly validationFraction?: number | undefined;
}

/** A stretch of a document; it begins and ends between characters. */
export interface Stretch {
  /** The document. */
  readonly document: TextDocument;
  /** Its first byte. */
  readonly start: number;
  /** The byte after its last. */
  readonly end: number;
}

/**
 * Cuts a corpus between two characters, perhaps inside a document.
 *
 * @throws {RangeError} if the fraction is not in (0, 1) or a part would be empty.
 */
export function splitCorpus(
  corpus: Corpus,
  options: SplitOptions = {},
): { train: Stretch[]; validation: Stretch[] } {
  const { documents, bytes } = corpus;
  const { validationFraction = 0.1 } = options;
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw new RangeError(
      "Cannot split the corpus: validationFraction must be > 0 and < 1: " +
        `validationFraction is ${validationFraction}`,
    );
  }
  const wanted = Math.max(1, bytes - Math.max(1, Math.round(bytes * validationFraction)));
  const whole = documents.map((document) => ({ document, start: 0, end: document.bytes }));
  const parts = { train: cutStretches(whole, 0, wanted), validation: cutStretches(whole, wanted, bytes) };
  if (parts.train.length > 0 && parts.validation.length > 0) return parts;
  throw new RangeError(
    `Cannot split the corpus: each part must have at least 1 character: the whole has ${
      formatCount(bytes)
    } bytes`,
  );
}

/**
 * The part of stretches from one byte to before another, counted over all of them; both ends move on to where a character
 * begins.
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
