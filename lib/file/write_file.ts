/**
 * Files that are written for a user.
 *
 * @module
 */
import { dirname } from "node:path";
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "./atomic_write.ts";
import { exists, isFile, isFolder } from "./exists.ts";
import { kindOf } from "./regular.ts";

/**
 * Requires that a file can be at a path: a missing file or a regular one, in a folder that exists or can be created.
 * Commands check the path that a user typed before they start, since they write the file at their end.
 *
 * @throws {UserError} If the path is a folder, a pipe or a device, or is below a file.
 */
export function requireFilePath(path: string): void {
  let above = dirname(path);
  while (!exists(above) && above !== dirname(above)) above = dirname(above);
  const given = exists(path) && !isFile(path)
    ? kindOf(Deno.statSync(path))
    : exists(above) && !isFolder(above)
    ? `a path below the file ${above}`
    : undefined;
  if (given === undefined) return;
  throw new UserError(`Cannot write ${path}: expected a path for a file, got ${given}. Choose another path.`);
}

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
