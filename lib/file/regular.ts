/**
 * Checks that the files of a record are regular files. Opening a pipe blocks until another process writes to it, and
 * reading a device may never end.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";

/** Returns the kind of a file in words for errors, such as `a folder`. */
export function kindOf(info: Pick<Deno.FileInfo, "isFile" | "isSymlink" | "isDirectory">): string {
  if (info.isFile) return "a regular file";
  if (info.isSymlink) return "a symbolic link";
  return info.isDirectory ? "a folder" : "a device or pipe";
}

/**
 * Checks that a path is a regular file or a link to one.
 *
 * @returns Metadata of the file.
 * @throws {UserError} If the path is a folder, a pipe or a device.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 */
export function requireRegular(path: string): Deno.FileInfo {
  const info = Deno.statSync(path);
  if (!info.isFile) {
    throw new UserError(
      `Cannot read ${path}: expected a regular file, got ${kindOf(info)}. Replace it by a file.`,
    );
  }
  return info;
}

/**
 * Reads a regular file as bytes.
 *
 * @throws {UserError} If the path is a folder, a pipe or a device.
 * @throws {Error} An error of the system, if the file cannot be read.
 */
export function readRegular(path: string): Uint8Array<ArrayBuffer> {
  requireRegular(path);
  return Deno.readFileSync(path);
}
