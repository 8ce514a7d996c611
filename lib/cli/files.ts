/**
 * Files and folders that a command is given or leaves.
 *
 * @module
 */
import { dirname } from "node:path";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";

/**
 * Writes a file, whole or not at all, and the folder that it is in.
 *
 * @throws {UserError} when it cannot be written.
 */
export function writeFile(path: string, content: string | Uint8Array): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    atomicWrite(path, content);
  } catch (cause) {
    throw new UserError(
      `Cannot write ${path}: wanted a folder that can be written to: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

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
