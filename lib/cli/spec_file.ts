/**
 * What commands that train have in common: a spec's file, and runs at once.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "../error/user_error.ts";
import { readJsonFile } from "../file/json.ts";

/**
 * Reads a spec as it was written, unchecked.
 *
 * @param path A `.json` file, or a `.ts` or `.js` file with a default export: code, which runs with the command's
 * permissions. It is the file that the user named, never one that a folder's records name.
 * @throws {UserError} when it cannot be read.
 */
export async function readSpec(path: string): Promise<unknown> {
  try {
    if (!/\.[mc]?[jt]s$/.test(path)) return readJsonFile(path);
    const spec = (await import(pathToFileURL(resolve(path)).href)).default;
    JSON.stringify(spec); // throws for what a record cannot hold: a big integer, a getter that throws, a cycle
    return spec;
  } catch (cause) {
    throw new UserError(
      `Cannot read the spec ${path}: wanted a .json file, or a .ts file with a default export: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

/** Returns the runs at once of a command that trains: `--workers`, or 2 where there are 2 cores. */
export function workersOf(given: number | undefined): number {
  return given ?? Math.min(2, navigator.hardwareConcurrency);
}
