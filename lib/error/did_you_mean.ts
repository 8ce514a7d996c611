/**
 * Suggestions for misspelled words.
 *
 * @module
 */

/**
 * Returns a suggestion to append to an error, such as ` (did you mean steps?)`. The suggestion is the known word with
 * the smallest edit distance to the given word, at most a third of the longer word's length. If no known word is that
 * near, the suggestion is the first known word that begins with the given word, which must have at least three letters.
 * Otherwise, returns the empty string. Case, `_` and `-` are ignored.
 *
 * @param word The given word.
 * @param known The known words.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  const given = bare(word);
  const near = known.map((name) => ({ name, distance: distance(given, bare(name)) }))
    .filter(({ name, distance }) => distance <= Math.max(given.length, name.length) / 3)
    .sort((a, b) => a.distance - b.distance);
  const found = near[0]?.name ??
    (given.length > 2 ? known.find((name) => bare(name).startsWith(given)) : undefined);
  return found === undefined ? "" : ` (did you mean ${found}?)`;
}

/**
 * Returns the edit distance between two words: insertions, deletions, substitutions and swaps of adjacent letters.
 *
 * Source: Damerau 1964 *A technique for computer detection and correction of spelling errors*, as the optimal string
 * alignment distance.
 */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i], above = rows[i - 1]!;
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, replaced));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
      }
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
