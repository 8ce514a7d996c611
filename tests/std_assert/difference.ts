/**
 * A line by line difference of two texts, for failed equality.
 *
 * @module
 */

/** Most lines that are aligned: beyond it both texts are shown whole. */
const MAX_LINES = 2000;

/**
 * Lines of both texts, `-` before what only the first has, `+` before what only the second has.
 *
 * @param actual What was found.
 * @param expected What was wanted.
 */
export function difference(actual: string, expected: string): string {
  const a = actual.split("\n"), b = expected.split("\n");
  const heading = "    [Diff] Actual / Expected\n\n";
  if (a.length * b.length > MAX_LINES ** 2) return `${heading}-   ${actual}\n+   ${expected}`;
  // The longest common subsequence, by the table of its lengths from each place on.
  const length = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i]![j] = a[i] === b[j]
        ? length[i + 1]![j + 1]! + 1
        : Math.max(length[i + 1]![j]!, length[i]![j + 1]!);
    }
  }
  const lines: string[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i++]}`);
      j++;
    } else if (j >= b.length || (i < a.length && length[i + 1]![j]! >= length[i]![j + 1]!)) {
      lines.push(`-   ${a[i++]}`);
    } else lines.push(`+   ${b[j++]}`);
  }
  return heading + lines.join("\n");
}
