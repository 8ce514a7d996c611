/**
 * Folders that a user asks for.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";

/**
 * Makes a folder, with those that it is in, where it is not there.
 *
 * @throws {UserError} when it cannot be made, such as where a file is in its place.
 */
export function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new UserError(
      `Cannot make the folder ${path}: wanted a place that can be written to: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}
