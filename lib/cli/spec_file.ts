/**
 * Reads spec files.
 *
 * @module
 */
import { exists, isFolder } from "../file/exists.ts";
import { clauseOf } from "../error/clause.ts";
import { importFile } from "../file/import_file.ts";
import { UserError } from "../error/user_error.ts";
import { readJsonFile } from "../file/json.ts";
import type { SweepSpecInput } from "../study/mod.ts";

/**
 * Reads a spec without validating it.
 *
 * @param path A `.json` file, or a `.ts` or `.js` file with a default export. Code runs with the command's permissions, so
 * the path must come from the user, never from a folder's records.
 * @throws {UserError} If the file cannot be read.
 */
export async function readSpec(path: string): Promise<SweepSpecInput> {
  const expected = `Cannot read the spec ${path}: expected a .json file, or a .ts file with a default export`;
  if (!exists(path)) throw new UserError(`${expected}, got a path that does not exist. Correct the path.`);
  if (isFolder(path)) throw new UserError(`${expected}, got a folder. Give the file.`);
  try {
    if (!/\.[mc]?[jt]s$/.test(path)) return readJsonFile(path) as SweepSpecInput; // checked by the library
    const spec = (await importFile(path))["default"] as SweepSpecInput; // checked by the library
    JSON.stringify(spec); // throws for values that JSON cannot represent: bigints, cycles, throwing getters
    return spec;
  } catch (cause) {
    const reason = clauseOf(cause).replaceAll(/\s+/g, " ");
    throw new UserError(`${expected}, got an error: ${reason}. Correct the file.`, { cause });
  }
}

/**
 * Returns a spec whose fields are replaced by those set with flags. Undefined fields are omitted. Returns values other
 * than objects unchanged, so that the library reports them.
 */
export function withFields(spec: SweepSpecInput, fields: Readonly<Record<string, unknown>>): SweepSpecInput {
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) return spec;
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { ...spec, ...Object.fromEntries(given) };
}
