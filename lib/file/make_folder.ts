/**
 * Creation of folders that a user names.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";

/**
 * Creates a folder and its missing parents.
 *
 * @throws {UserError} If the folder cannot be created, for example because a file is at its path.
 */
export function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new UserError(
      `Cannot create the folder ${path}: expected a writable place, got "${
        clauseOf(cause)
      }". Choose another folder.`,
      { cause },
    );
  }
}
