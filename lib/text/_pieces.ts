/**
 * Pretokenization: splits text into the pieces within which byte pairs may be merged. Pieces are words with the space
 * before them, contractions, numbers, runs of other symbols, and white space. No token spans two pieces.
 *
 * There are two patterns. `gpt2` is GPT-2's pattern, for GPT-2's vocabulary. `own` is similar, but keeps combining
 * marks with their letters, keeps a line break with the word after it, and limits pieces to 64 characters.
 *
 * @module
 */

/**
 * Maximum length of a piece with the pattern `own`, in code points. The limit bounds the work per piece, and the
 * recursion of the regular-expression engine, which would overflow on a text without spaces.
 */
export const MAX_PIECE = 64;

/** Longest piece of the `gpt2` split. GPT-2 has no limit; real words and runs of symbols are shorter. */
const MAX_GPT2_PIECE = 1024;

/** Names of the patterns that split text into pieces. */
export type CutName = "own" | "gpt2";

/** A split. */
interface Cut {
  /** Pattern of a piece: every character matches exactly one alternative. */
  readonly pattern: RegExp;
  /** Longest piece, in code points. */
  readonly most: number;
}

const own = (white: string, notWhite: string): string =>
  [
    // The endings 's 'd 't 'm 're 've 'll, with a straight or a curly apostrophe.
    String.raw`['’](?:[sdtm]|re|ve|ll)(?![\p{L}\p{M}])`,
    String.raw` ?[\p{L}\p{M}]{1,${MAX_PIECE - 1}}`,
    String.raw` ?\p{N}{1,${MAX_PIECE - 1}}`,
    String.raw` ?[^${white}\p{L}\p{M}\p{N}]{1,${MAX_PIECE - 1}}`,
    // White space before a word leaves the word one space, if it has one.
    String.raw`[${white}]{1,${MAX_PIECE}}(?= ${notWhite})`,
    String.raw`[${white}]{1,${MAX_PIECE}}`,
  ].join("|");

/** GPT-2's pattern (Radford 2019). It uses Unicode's white space; JavaScript's \s differs in two characters. */
const GPT2 = String
  .raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}{1,${MAX_GPT2_PIECE}}| ?\p{N}{1,${MAX_GPT2_PIECE}}| ?[^\p{White_Space}\p{L}\p{N}]{1,${MAX_GPT2_PIECE}}|` +
  String.raw`\p{White_Space}{1,${MAX_GPT2_PIECE}}(?!\P{White_Space})|\p{White_Space}{1,${MAX_GPT2_PIECE}}`;

const CUTS: Readonly<Record<CutName, Cut>> = {
  own: { pattern: new RegExp(own(String.raw`\s`, String.raw`\S`), "gu"), most: MAX_PIECE },
  gpt2: { pattern: new RegExp(GPT2, "gu"), most: MAX_GPT2_PIECE },
};

/**
 * The pattern `own` for Oniguruma, the regular-expression engine of Hugging Face's tokenizers. JavaScript's white space
 * is listed by character, since other engines include U+0085 and exclude U+FEFF.
 */
export const PORTABLE_PATTERN: string = own(
  "\\t-\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
  "[^\\t-\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]",
);

/** Copies a string. Without the copy, a piece would keep the text from which it was sliced in memory. */
export function copyPiece(piece: string): string {
  // V8 copies slices shorter than this.
  return piece.length < 13
    ? piece
    : new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(piece));
}

/**
 * Calls a function with each piece of a text in order. The concatenated pieces are the text.
 *
 * @param text The text.
 * @param visit The function.
 * @param cut The pattern. Default: own.
 */
export function forEachPiece(text: string, visit: (piece: string) => void, cut: CutName = "own"): void {
  // test() and lastIndex instead of matchAll(): avoids a match object for each of millions of pieces.
  const pattern = new RegExp(CUTS[cut].pattern);
  let start = 0;
  while (pattern.test(text)) {
    visit(text.slice(start, pattern.lastIndex));
    start = pattern.lastIndex;
  }
}

/**
 * Returns the length of a prefix of a text that any continuation splits into the same pieces. No piece crosses the end
 * of the prefix. Returns 0 if there is no such prefix.
 */
export function safeCut(text: string, cut: CutName): number {
  // Between a symbol and white space there is always a boundary, and no pattern looks back.
  for (let at = text.length - 1; at > 0; at--) {
    const code = text.charCodeAt(at);
    if ((code === 0x20 || code === 0x0a) && !/[\s\p{White_Space}]/u.test(text[at - 1]!)) return at;
  }
  // The text is a single run: split it, and keep the pieces that end too early to depend on what follows.
  const trusted = text.length - 2 * (CUTS[cut].most + 2);
  let start = 0, end = 0;
  if (trusted > 0) {
    forEachPiece(text, (piece) => {
      end += piece.length;
      if (end <= trusted) start = end;
    }, cut);
  }
  return start;
}
