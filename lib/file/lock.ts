/**
 * Locks of files, which the system lifts when their process ends.
 *
 * @module
 */

/** Locks a file if no other process has, and returns whether; undefined: this file system has no locks. */
export function tryLock(file: Deno.FsFile): boolean | undefined {
  try {
    return file.tryLockSync(true);
  } catch {
    return undefined;
  }
}
