/**
 * Streams the text of documents in pieces of about a mebibyte, for texts larger than memory. The pieces end at token
 * boundaries, so that `prepare_corpus.ts` can encode them separately.
 *
 * @module
 */
import { wholeCharacters } from "./_utf8.ts";
import { unreadable } from "./corpus.ts";
import { cutStretches, type Stretch } from "./split.ts";

/** Bytes read at a time. */
const BLOCK = 2 ** 20;

/** A piece of text. */
export interface TextPiece {
  /** The text. */
  readonly text: string;
  /** True if a document ends with this piece. */
  readonly endsDocument: boolean;
}

/** Options for splitting text into pieces. */
export interface CutOptions {
  /**
   * Returns the length of a prefix after which a text may be split, as {@linkcode Tokenizer.safeCut} does. Default: the
   * text may be split between any two characters.
   */
  readonly safeCut?: ((text: string) => number) | undefined;
  /** Text that ends a document within a file. It belongs to the document that it ends. Default: none. */
  readonly separator?: string | undefined;
}

/** Yields the text of byte ranges in order. The concatenated pieces of a document are its text. */
export function* textPieces(stretches: readonly Stretch[], options: CutOptions = {}): Generator<TextPiece> {
  const { safeCut = (text: string) => text.length, separator } = options;
  for (const stretch of stretches) {
    let rest = "";
    for (const text of decoded(stretch)) {
      rest += text;
      if (separator !== undefined) {
        for (let at = rest.indexOf(separator); at >= 0; at = rest.indexOf(separator)) {
          const end = at + separator.length;
          yield { text: rest.slice(0, end), endsDocument: true };
          rest = rest.slice(end);
        }
      }
      // A possible start of a separator is kept for the next block.
      const settled = rest.slice(0, rest.length - (separator === undefined ? 0 : separator.length - 1));
      const cut = safeCut(settled.isWellFormed() ? settled : settled.slice(0, -1));
      if (cut > 0) yield { text: rest.slice(0, cut), endsDocument: false };
      rest = rest.slice(cut);
    }
    yield { text: rest, endsDocument: true };
  }
}

function* decoded({ document, start, end }: Stretch): Generator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const room = new Uint8Array(Math.min(BLOCK, end - start));
  for (let at = start; at < end;) {
    const block = document.read(at, room.subarray(0, end - at));
    const length = wholeCharacters(block);
    let text: string;
    try {
      text = decoder.decode(block.subarray(0, length));
    } catch (cause) {
      throw unreadable(document.name, { reason: "changed after it was checked. Start again", cause });
    }
    yield text;
    at += length;
  }
}

/** Returns the total size of byte ranges. */
export function bytesOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { start, end }) => sum + end - start, 0);
}

/**
 * Selects a sample of at most `most` bytes from byte ranges. Returns the ranges themselves if they are not larger.
 * Otherwise returns ranges of a mebibyte, evenly spaced from the start of the text to its end.
 */
export function sampleStretches(stretches: readonly Stretch[], most: number): Stretch[] {
  const bytes = bytesOf(stretches);
  if (bytes <= most) return [...stretches];
  const blocks = Math.max(2, Math.floor(most / BLOCK)), size = Math.floor(most / blocks);
  return Array.from({ length: blocks }, (_, i) => {
    const from = Math.floor(i * (bytes - size) / (blocks - 1));
    return cutStretches(stretches, from, from + size);
  }).flat();
}
