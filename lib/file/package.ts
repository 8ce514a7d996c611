/**
 * The location of the package losskit, and Deno's arguments for running its programs.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../error/user_error.ts";
import { isFile } from "./exists.ts";

/** URL of the folder with `lib/` and `deno.json`, with a slash at the end. */
export const PACKAGE_URL: string = new URL("../../", import.meta.url).href;

/** Path of the folder with `lib/` and `deno.json`. Undefined if losskit was imported from a URL. */
export const PACKAGE_FOLDER: string | undefined = PACKAGE_URL.startsWith("file:")
  ? fileURLToPath(PACKAGE_URL).slice(0, -1)
  : undefined;

/**
 * Returns the path of the folder with `lib/` and `deno.json`.
 *
 * @param action The failing action in the error `Cannot <action>`, such as `start a worker`.
 * @throws {UserError} If losskit was imported from a URL.
 */
export function packageFolder(action: string): string {
  if (PACKAGE_FOLDER !== undefined) return PACKAGE_FOLDER;
  throw new UserError(
    `Cannot ${action}: expected losskit in a folder, got the import from ${PACKAGE_URL}. ` +
      "Install the npm package or use a checkout.",
  );
}

/** Returns the path of `deno.lock`. Undefined if losskit has none, as when it was imported from a URL. */
export function lockFile(): string | undefined {
  const path = PACKAGE_FOLDER === undefined ? "" : join(PACKAGE_FOLDER, "deno.lock");
  return isFile(path) ? path : undefined;
}

/**
 * Returns Deno's arguments for a program of losskit.
 *
 * @param module Path or URL of the program.
 * @param root Folder that holds the program and `deno.json`. Default: the folder of this package, or its URL.
 */
export function denoArguments(module: string, root: string | undefined = PACKAGE_FOLDER): string[] {
  return ["run", "--no-check", "--quiet", "-A", ...configArguments(root), ...lockArguments(root), module];
}

/**
 * Returns Deno's arguments that make losskit's imports available to a program in any folder.
 *
 * @param root Folder that holds `deno.json`. Default: the folder of this package.
 */
export function configArguments(root: string | undefined = PACKAGE_FOLDER): string[] {
  return root === undefined
    ? ["--no-config", `--import-map=${PACKAGE_URL}import_map.json`]
    : [`--config=${join(root, "deno.json")}`];
}

/**
 * Returns Deno's arguments that fix the versions of all packages. The `deno.json` of a checkout names no lock file, because
 * `deno task` would download all packages of a lock file before it starts a command.
 *
 * @param root Folder that holds `deno.lock`. Default: the folder of this package.
 */
export function lockArguments(root: string | undefined = PACKAGE_FOLDER): string[] {
  return root === undefined ? ["--no-lock"] : [`--lock=${join(root, "deno.lock")}`];
}
