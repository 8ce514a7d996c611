/**
 * A watch that ends this process when its parent process ends.
 *
 * @module
 */

/**
 * Starts a watch that ends this process when its parent process has ended, even if user-written code never returns. The
 * watch keeps this process alive, so that the process must call `Deno.exit`, and Deno does not detect promises that
 * never resolve.
 *
 * @param grace Time for an orderly end after the parent process has ended, in milliseconds.
 */
export function endWithParent(grace: number): void {
  new Worker(new URL("./_orphan_thread.ts", import.meta.url), { type: "module", name: String(grace) });
}
