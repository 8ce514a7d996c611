/**
 * Import of a user's module by its path.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Imports a module. Its code runs with the permissions of this process.
 *
 * @param path Path of the module, typed by the user. A path from a record is not safe, since it could run the code of
 * others.
 */
export async function importFile(path: string): Promise<Record<string, unknown>> {
  // `deno publish` accepts this form without a warning.
  return await import(`file:///${pathToFileURL(resolve(path)).href.slice("file:///".length)}`);
}
