/**
 * Words of commands that are printed or written for a shell.
 *
 * @module
 */

/** A word, such as a path, as a POSIX shell takes it: quoted where it has to be. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_\-.,:/=@+]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
