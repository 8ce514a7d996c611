/**
 * A check that a path exists.
 *
 * @module
 */

/** Returns whether a file or a folder exists at a path and its metadata can be read. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
