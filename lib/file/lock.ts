/**
 * File locks. The system releases a process's locks when the process ends.
 *
 * @module
 */

/**
 * Locks an open file without waiting.
 *
 * @returns True if this process now holds the lock, false if another process holds it. Undefined if the file system has
 * no locks.
 */
export function tryLock(file: Deno.FsFile): boolean | undefined {
  try {
    return file.tryLockSync(true);
  } catch {
    return undefined;
  }
}
