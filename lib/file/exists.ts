/**
 * Files and folders at a path.
 *
 * @module
 */

/** Returns true if a file or folder exists at a path and its metadata can be read. */
export function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

/** Returns true if a folder exists at a path. */
export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory ?? false;
}

/** Describes a path at which no folder exists, for errors. */
export function insteadOfFolder(path: string): string {
  return exists(path) ? "a file" : "a path that does not exist";
}

/** Returns true if a regular file exists at a path. */
export function isFile(path: string): boolean {
  return statOf(path)?.isFile ?? false;
}

/** Returns true if the file at a path is empty or missing. */
export function isEmpty(path: string): boolean {
  const info = statOf(path);
  return info === undefined || info.isFile && info.size === 0;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
