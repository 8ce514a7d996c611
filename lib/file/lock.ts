/**
 * File locks, which the system releases when their process ends.
 *
 * @module
 */

/** Locks a file. Returns false if another process holds the lock, and undefined if the file system has no locks. */
export function tryLock(file: Deno.FsFile): boolean | undefined {
  try {
    return file.tryLockSync(true);
  } catch {
    return undefined;
  }
}
