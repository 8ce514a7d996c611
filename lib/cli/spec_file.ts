/**
 * What commands that train have in common: a spec's file, and runs at once.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "../error/user_error.ts";
import { wholeNumber } from "./command.ts";

/**
 * Reads a spec as it was written, unchecked.
 *
 * @param path A `.json` file, or a `.ts` file with a default export.
 * @throws {UserError} when it cannot be read.
 */
export async function readSpec(path: string): Promise<unknown> {
  try {
    if (!path.endsWith(".json")) return (await import(pathToFileURL(resolve(path)).href)).default;
    return JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new UserError(
      `Cannot read the spec ${path}: wanted a .json file, or a .ts file with a default export: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

/**
 * Runs at once, as `--workers` gives them (default: 2 where there are 2 cores).
 *
 * @throws {UserError} for what is no whole number of at least 1.
 */
export function workersOf(given: number | string | undefined): number {
  return wholeNumber("--workers", given ?? Math.min(2, navigator.hardwareConcurrency));
}
