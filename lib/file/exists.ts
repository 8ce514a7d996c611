/**
 * Files and folders at a path.
 *
 * @module
 */

/** Returns whether a file or a folder exists at a path and its metadata can be read. */
export function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

/** Returns whether a folder exists at a path. */
export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory ?? false;
}

/** Returns whether a file exists at a path. */
export function isFile(path: string): boolean {
  return statOf(path)?.isFile ?? false;
}

/** Returns whether a path is missing or has an empty file. */
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
