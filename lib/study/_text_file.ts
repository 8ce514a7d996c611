/**
 * Text files that a user names.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { readText } from "../file/text.ts";

/**
 * Reads a UTF-8 text file.
 *
 * @param file The file.
 * @param action Action for the error, such as `evaluate`.
 * @throws {UserError} If the file cannot be read, or is not in UTF-8.
 */
export function readTextFile(file: string, action: string): string {
  try {
    return readText(file);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`Cannot ${action} ${file}: ${clauseOf(cause)}.`, { cause });
  }
}
