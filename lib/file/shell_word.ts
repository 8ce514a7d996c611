/**
 * Quoting of words in shell commands that are printed or written.
 *
 * @module
 */

/** Returns a word, such as a path, as a POSIX shell accepts it. Adds quotes only if they are needed. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_\-.,:/=@+]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
