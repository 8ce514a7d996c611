/**
 * Files that are written for a user.
 *
 * @module
 */
import { dirname } from "node:path";
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "./atomic_write.ts";

/**
 * Writes a file atomically, and creates its folder if missing.
 *
 * @throws {UserError} If the file cannot be written.
 */
export function writeFile(path: string, content: string | Uint8Array): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    atomicWrite(path, content);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `Cannot write ${path}: expected a writable folder, got "${clauseOf(cause)}". Choose another folder.`,
      { cause },
    );
  }
}
