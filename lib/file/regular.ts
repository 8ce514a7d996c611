/**
 * Regular files: what a record's files have to be. Opening a pipe waits for its writer, and a device may have no end.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";

/** Returns what something at a path is, for errors: `a folder`, for one. */
export function kindOf(info: Pick<Deno.FileInfo, "isFile" | "isSymlink" | "isDirectory">): string {
  if (info.isFile) return "a regular file";
  if (info.isSymlink) return "a symbolic link";
  return info.isDirectory ? "a folder" : "a device or pipe";
}

/**
 * Requires a path to lead to a regular file.
 *
 * @throws {UserError} when something else is there.
 * @throws {Deno.errors.NotFound} when nothing is there.
 */
export function requireRegular(path: string): void {
  const info = Deno.statSync(path);
  if (!info.isFile) {
    throw new UserError(`Cannot read ${path}: expected a regular file, got ${kindOf(info)}. Remove it.`);
  }
}

/**
 * Reads a regular file.
 *
 * @throws {UserError} when something else is there.
 * @throws {Error} what the system says, if the file cannot be read.
 */
export function readRegular(path: string): Uint8Array<ArrayBuffer> {
  requireRegular(path);
  return Deno.readFileSync(path);
}
