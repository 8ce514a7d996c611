/**
 * Files and folders that a command is given.
 *
 * @module
 */
/** Whether there is a folder at a path. */
export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory ?? false;
}

/** Whether there is a file at a path. */
export function isFile(path: string): boolean {
  return statOf(path)?.isFile ?? false;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
