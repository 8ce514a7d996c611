/**
 * Hashes of losskit's sources. The hashes are equal in a checkout, in the npm package and at a URL.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { PACKAGE_FOLDER, PACKAGE_URL } from "../file/package.ts";
import sources from "./sources.json" with { type: "json" };
import { sha256Hex } from "./sha256.ts";

/**
 * Returns the SHA-256 of the names and contents of the sources in `lib/`, or in one of its folders.
 *
 * @param part Folder of `lib/`, such as `text`. Default: all of `lib/`.
 * @throws {UserError} If losskit was imported from a URL without the package's list of sources.
 */
export function sourcesHash(part?: string): string {
  if (PACKAGE_FOLDER !== undefined) return hashSources(join(PACKAGE_FOLDER, "lib", part ?? ""));
  // The build of the package writes these hashes. A module from a URL cannot list a folder.
  const listed = Object.entries<string>(sources);
  if (listed.length === 0) {
    throw new UserError(
      `Cannot identify the code of losskit: expected hashes in ${PACKAGE_URL}lib/record/sources.json, got none. ` +
        "Serve the built package instead of a checkout (deno task build:package).",
    );
  }
  const start = part === undefined ? "" : `${part}/`;
  return hashOf(
    listed.filter(([name]) => name.startsWith(start))
      .map(([name, hash]) => [name.slice(start.length), hash]),
  );
}

/**
 * Returns the SHA-256 of the names and contents of a folder's sources. Tests are excluded, because results do not depend on
 * them.
 */
export function hashSources(folder: string): string {
  return hashOf(Object.entries(sourceHashes(folder)));
}

/** Returns the SHA-256 of each source in a folder, by the path relative to the folder. */
export function sourceHashes(folder: string): Record<string, string> {
  const hashes: Record<string, string> = {};
  const visit = (path: string, name: string) => {
    for (const entry of Deno.readDirSync(path)) {
      const inner = `${name}${entry.name}`;
      if (entry.isDirectory) visit(join(path, entry.name), `${inner}/`);
      else if (inner.endsWith(".ts") && !inner.endsWith("_test.ts")) {
        hashes[inner] = sha256Hex(withoutVersions(Deno.readTextFileSync(join(path, entry.name))));
      }
    }
  };
  visit(folder, "");
  return hashes;
}

function hashOf(hashes: readonly (readonly [name: string, hash: string])[]): string {
  const lines = hashes.map(([name, hash]) => `${name} ${hash}\n`).sort();
  return sha256Hex(lines.join(""));
}

/**
 * Replaces specifiers such as `"npm:valibot@1.5.0"` by the names in `deno.json`. Published packages contain the former,
 * because import maps do not apply to them.
 */
function withoutVersions(source: string): string {
  return source.replaceAll(/"npm:\/?((?:@[^/"@]+\/)?[^/"@]+)@[\d.]+(\/[^"]*)?"/g, '"$1$2"');
}
