/**
 * Files that are left for a user.
 *
 * @module
 */
import { dirname } from "node:path";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "./atomic_write.ts";

/**
 * Writes a file, whole or not at all, and makes the folder that it is in.
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
