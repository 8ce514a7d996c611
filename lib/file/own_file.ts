/**
 * Files that losskit writes in folders where other users may create files.
 *
 * @module
 */
import { writing } from "../error/disk_fault.ts";
import { UserError } from "../error/user_error.ts";
import { kindOf } from "./regular.ts";

/**
 * Opens a file for reading and writing without following a symbolic link at its path. Creates the file if it is
 * missing, and keeps the content of an existing file.
 *
 * Deno has no O_NOFOLLOW. The path is checked before the file is opened, because opening a FIFO would block. The path
 * is checked again before anything is written, to detect a link that another process created in between.
 *
 * @param path Path of the file.
 * @param options `append`: true if every write appends to the file. Default: false.
 * @throws {UserError} If a link, a folder or a device is at the path.
 * @throws {UserError} For a full or read-only disk and other persistent faults.
 * @throws {Error} Other errors of the system.
 */
export function openOwnFile(path: string, options: { append?: boolean } = {}): Deno.FsFile {
  return writing(path, () => openChecked(path, options));
}

function openChecked(path: string, { append = false }: { append?: boolean }): Deno.FsFile {
  const mode = { read: true, ...(append ? { append } : { write: true }) };
  for (;;) {
    const before = infoOf(path);
    if (before === undefined) {
      try {
        return Deno.openSync(path, { ...mode, createNew: true });
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        continue; // another process created it, or it is a link, which is refused next
      }
    }
    requireFile(path, before);
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, mode);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      continue; // removed in between
    }
    const opened = file.statSync(), now = infoOf(path);
    if (now !== undefined && now.isFile && now.ino === opened.ino && now.dev === opened.dev) return file;
    file.close();
    if (now !== undefined) requireFile(path, now);
  }
}

function requireFile(path: string, info: Deno.FileInfo): void {
  if (info.isFile) return;
  throw new UserError(`Cannot write ${path}: expected a regular file, got ${kindOf(info)}. Remove it.`);
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
