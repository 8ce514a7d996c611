/**
 * Whether there is something at a path.
 *
 * @module
 */

/** Whether there is a file or a folder that can be asked about. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
