/**
 * Cuts text into the pieces inside which byte pairs may be joined: words with the space before them, contractions,
 * numbers, runs of other signs, white space. Tokens never reach across pieces, so a token is not half of two words.
 *
 * There are two cuts. `own` has the idea of GPT-2's pattern: combining marks stay with their letters, a line break
 * stays whole before a word, and pieces are short. `gpt2` is GPT-2's, for its vocabulary.
 *
 * @module
 */

/**
 * Longest piece of the own cut, in code points. It bounds the work per piece, and the depth of the pattern engine,
 * which overflows on runs of millions of letters (a text without spaces).
 */
export const MAX_PIECE = 64;

/** Longest piece of GPT-2's cut, which has no limit of its own; words and runs of signs that people write are shorter. */
const MAX_GPT2_PIECE = 1024;

/** The names of the cuts. */
export type CutName = "own" | "gpt2";

/** A way to cut. */
interface Cut {
  /** The pattern as JavaScript has it: every character belongs to exactly one alternative. */
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

/** GPT-2's pattern (Radford 2019), whose white space is Unicode's: JavaScript's \s differs in two characters. */
const GPT2 = String
  .raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}{1,${MAX_GPT2_PIECE}}| ?\p{N}{1,${MAX_GPT2_PIECE}}| ?[^\p{White_Space}\p{L}\p{N}]{1,${MAX_GPT2_PIECE}}|` +
  String.raw`\p{White_Space}{1,${MAX_GPT2_PIECE}}(?!\P{White_Space})|\p{White_Space}{1,${MAX_GPT2_PIECE}}`;

const CUTS: Readonly<Record<CutName, Cut>> = {
  own: { pattern: new RegExp(own(String.raw`\s`, String.raw`\S`), "gu"), most: MAX_PIECE },
  gpt2: { pattern: new RegExp(GPT2, "gu"), most: MAX_GPT2_PIECE },
};

/**
 * The own cut's pattern for another engine (Oniguruma, which Hugging Face's tokenizers use): JavaScript's white space is
 * written out, since others count U+0085 and not U+FEFF.
 */
export const PORTABLE_PATTERN: string = own(
  "\\t-\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
  "[^\\t-\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]",
);

/** A string of its own: a slice would keep the whole text that it was cut from in memory. */
export function copyPiece(piece: string): string {
  // Shorter slices are copies in V8.
  return piece.length < 13
    ? piece
    : new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(piece));
}

/** Calls `visit` with each piece of a text in order; joined they are the text. */
export function forEachPiece(text: string, visit: (piece: string) => void, cut: CutName = "own"): void {
  // test() and lastIndex instead of matchAll(): no match object for each of millions of pieces.
  const pattern = new RegExp(CUTS[cut].pattern);
  let start = 0;
  while (pattern.test(text)) {
    visit(text.slice(start, pattern.lastIndex));
    start = pattern.lastIndex;
  }
}

/**
 * The length of a beginning of a text that is cut in the same way whatever follows: no piece reaches across its end. 0
 * where there is none.
 */
export function safeCut(text: string, cut: CutName): number {
  // Between a sign and white space there is always an end of a piece, and no pattern looks back.
  for (let at = text.length - 1; at > 0; at--) {
    const code = text.charCodeAt(at);
    if ((code === 0x20 || code === 0x0a) && !/[\s\p{White_Space}]/u.test(text[at - 1]!)) return at;
  }
  // A text of one run: cut its pieces, and trust those that end too early to look at what follows.
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
