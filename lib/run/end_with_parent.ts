/**
 * The end of a process with its parent process.
 *
 * @module
 */

/**
 * Ends this process once its parent process is gone, also while users' code never returns. The watch keeps this process
 * alive: it must exit explicitly, and Deno no longer detects promises that never resolve.
 *
 * @param grace Time for an orderly end, in milliseconds.
 */
export function endWithParent(grace: number): void {
  new Worker(new URL("./_orphan_thread.ts", import.meta.url), { type: "module", name: String(grace) });
}
