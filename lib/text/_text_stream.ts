/**
 * The text of documents in pieces of about a mebibyte, cut where no token reaches across: what makes tokens of a text
 * larger than memory. Making them is `prepare_corpus.ts`.
 *
 * @module
 */
import { wholeCharacters } from "./_utf8.ts";
import { unreadable } from "./corpus.ts";
import { cutStretches, type Stretch } from "./split.ts";

/** Bytes that are read at a time. */
const BLOCK = 2 ** 20;

/** A piece of text. */
export interface TextPiece {
  /** The text. */
  readonly text: string;
  /** Whether a document ends with it. */
  readonly endsDocument: boolean;
}

/** How a text is cut. */
export interface CutOptions {
  /** As {@linkcode Tokenizer.safeCut}. Default: anywhere between characters. */
  readonly safeCut?: ((text: string) => number) | undefined;
  /** A text that documents end with, beside the ends of files; it stays at its document's end. Default: none. */
  readonly separator?: string | undefined;
}

/** Reads stretches one after the other. The pieces of a document, joined, are its text. */
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
      // The beginning of a separator stays for the next block.
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
      throw unreadable(document.name, { reason: "has changed since it was checked: start again", cause });
    }
    yield text;
    at += length;
  }
}

/** The size of stretches in bytes. */
export function bytesOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { start, end }) => sum + end - start, 0);
}

/**
 * No more than `most` bytes of stretches: all of them, or as many mebibytes, evenly spaced from the first to the last.
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
