/**
 * Axis whose values have colors if a reader chose none. The page and the report's renderer use it.
 *
 * @module
 */

/** Returns the key of that axis: precision, or the first axis if runs have the same precision. */
export function defaultColor(facets: readonly { readonly key: string }[]): string | undefined {
  const preferred = facets.find(({ key }) => key === "precision") ??
    facets.find(({ key }) => key !== "seed" && key !== "status");
  return (preferred ?? facets[0])?.key;
}
