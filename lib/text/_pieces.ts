/**
 * Cuts text into the pieces inside which byte pairs may be joined: words with the space before them, contractions,
 * numbers, runs of other signs, white space. Tokens never reach across pieces, so a token is not half of two words.
 * It is the idea of GPT-2's pattern, not the same pattern: combining marks stay with their letters, and a line break
 * stays whole before a word.
 *
 * @module
 */

/**
 * Longest piece, in code points. It bounds the work per piece, and the depth of the pattern engine, which overflows
 * on runs of millions of letters (a text without spaces).
 */
export const MAX_PIECE = 64;

/** Every character belongs to exactly one alternative, so the matches follow each other without gaps. */
const PIECE = new RegExp(
  [
    // The endings 's 'd 't 'm 're 've 'll, with a straight or a curly apostrophe.
    String.raw`['’](?:[sdtm]|re|ve|ll)(?![\p{L}\p{M}])`,
    String.raw` ?[\p{L}\p{M}]{1,${MAX_PIECE - 1}}`,
    String.raw` ?\p{N}{1,${MAX_PIECE - 1}}`,
    String.raw` ?[^\s\p{L}\p{M}\p{N}]{1,${MAX_PIECE - 1}}`,
    // White space before a word leaves the word one space, if it has one.
    String.raw`\s{1,${MAX_PIECE}}(?= \S)`,
    String.raw`\s{1,${MAX_PIECE}}`,
  ].join("|"),
  "gu",
);

/** Calls `visit` with each piece of a text in order; joined they are the text. */
export function forEachPiece(text: string, visit: (piece: string) => void): void {
  // test() and lastIndex instead of matchAll(): no match object for each of millions of pieces.
  const pattern = new RegExp(PIECE);
  let start = 0;
  while (pattern.test(text)) {
    visit(text.slice(start, pattern.lastIndex));
    start = pattern.lastIndex;
  }
}
