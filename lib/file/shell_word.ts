/**
 * Quoting of words in shell commands that are printed or written.
 *
 * @module
 */

/** Quotes a word, such as a path, for a POSIX shell, if it has to be quoted. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_\-.,:/=@+]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
