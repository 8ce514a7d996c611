/**
 * Files that are there whole or not at all.
 *
 * @module
 */

/**
 * Writes a file beside its place, waits until the disk has it, and moves it there.
 *
 * @throws {Error} what the system says; nothing is left beside the place then, and what was there stays.
 */
export function atomicWrite(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    using file = Deno.openSync(temporary, { createNew: true, write: true });
    let written = 0;
    while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
    file.syncDataSync();
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It may not have come into being; the first error is the one to tell.
    }
    throw error;
  }
}
