/**
 * Size and SHA-256 of files, to detect damage in formats that have no checksum of their own.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { clauseOf } from "../error/clause.ts";
import { hashFile } from "./hash_file.ts";
import { requireRegular } from "./regular.ts";

/** Recorded content of a file. */
export interface FileSum {
  /** Path relative to the folder. */
  readonly path: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** SHA-256 in lowercase hexadecimal. */
  readonly sha256: string;
}

/**
 * Returns the size and SHA-256 of a file's content.
 *
 * @param path Path of the file, for the result. The file is not read.
 * @param content Content of the file.
 */
export function sumOf(path: string, content: Uint8Array): FileSum {
  return { path, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

/**
 * Compares a file with its recorded size and SHA-256. The file is read in blocks, so that it need not fit into memory.
 *
 * @param folder Folder that the recorded path is relative to.
 * @param sum The recorded size and SHA-256.
 * @returns A description of the difference, such as `expected 12 bytes, got 10`. Undefined if there is none.
 */
export async function damageOf(
  folder: string,
  { path, bytes, sha256 }: FileSum,
): Promise<string | undefined> {
  const place = join(folder, path);
  try {
    requireRegular(place);
    const { size } = Deno.statSync(place);
    if (size !== bytes) return `expected ${bytes} bytes, got ${size}`;
    const found = await hashFile(place);
    return found === sha256 ? undefined : `expected SHA-256 ${sha256}, got ${found}`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory
      ? `expected ${bytes} bytes, got no file`
      : clauseOf(error);
  }
}
