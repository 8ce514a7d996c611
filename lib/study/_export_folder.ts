/**
 * Folders of exported files. An export replaces the files of earlier exports in the same formats. Other files are not
 * changed.
 *
 * @module
 */
import { dirname, isAbsolute, join, normalize } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { type FileSum, sumOf } from "../file/checksums.ts";
import { exists } from "../file/exists.ts";
import { sealJson } from "../file/sealed_json.ts";
import { writeFile } from "../file/write_file.ts";
import { readJson } from "../record/mod.ts";

/** A file that an export writes. */
export interface ExportedFile {
  /** Path relative to the export folder. */
  readonly path: string;
  /** Returns the bytes. Called once per file, so that large exports need not fit in memory. */
  readonly bytes: () => Uint8Array;
}

/**
 * An exported file, as listed in `export.json`. The size and checksum are missing if the export was interrupted or made
 * by losskit 0.1.
 */
export type ListedFile = FileSum | { readonly path: string; readonly bytes?: undefined };

/** The files listed in `export.json`, by format. */
export type Contents = Readonly<Record<string, readonly ListedFile[]>>;

/** Name of the file that lists the files written by exports. */
export const CONTENTS = "export.json";

const path = v.pipe(
  v.string(),
  v.check(
    (path) => !isAbsolute(path) && !normalize(path).startsWith(".."),
    "expected a path inside the folder",
  ),
);
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"));
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const schema = v.variant("format", [
  v.object({
    format: v.literal("losskit-export/1"),
    files: v.record(v.string(), v.array(v.pipe(path, v.transform((path) => ({ path }))))),
  }),
  v.object({
    format: v.literal("losskit-export/2"),
    files: v.record(
      v.string(),
      v.array(v.union([v.strictObject({ path, bytes, sha256 }), v.strictObject({ path })])),
    ),
  }),
]);

/**
 * Reads the list of exported files in a folder.
 *
 * @throws {UserError} If `export.json` is missing or damaged.
 */
export function readContents(folder: string): Contents {
  return readJson(join(folder, CONTENTS), schema, "the list of exported files").files;
}

/**
 * Writes exported files to a folder, and records the size and SHA-256 of each file in `export.json`. Files of an
 * earlier export in the same formats are removed if they are not written again, for example because a run was deleted.
 *
 * @param out Output folder; created if missing.
 * @param exported Files by format.
 * @param print `file`: receives the path of each written file. `note`: receives a note if the folder still has files of
 * other formats.
 * @throws {UserError} If the export would replace a file that no earlier export wrote. Nothing is written then.
 */
export function writeExport(
  out: string,
  exported: Readonly<Record<string, readonly ExportedFile[]>>,
  print: { file: (path: string) => void; note: (line: string) => void },
): void {
  const before = exists(join(out, CONTENTS)) ? readContents(out) : {};
  const pathsIn = (contents: Contents) => Object.values(contents).flat().map(({ path }) => path);
  const own = new Set(pathsIn(before));
  const foreign = Object.values(exported).flat().find(({ path }) =>
    !own.has(path) && exists(join(out, path))
  );
  if (foreign !== undefined) {
    throw new UserError(
      `Cannot export to ${out}: ${foreign.path} exists and is not from an earlier export (see ${CONTENTS}). ` +
        "Choose another folder with --out, or delete the file.",
    );
  }
  const save = (files: Contents) =>
    writeFile(join(out, CONTENTS), sealJson({ format: "losskit-export/2", files }, 1));
  // List all files that can exist during this export first. After a kill, the next export still recognizes every file.
  const possible = Object.entries(exported).map(([format, list]) => {
    const paths = new Set([...before[format] ?? [], ...list].map(({ path }) => path));
    return [format, [...paths].map((path) => ({ path }))] as const;
  });
  save({ ...before, ...Object.fromEntries(possible) });
  const after: Contents = Object.fromEntries(
    Object.entries(exported).map(([format, list]) => [
      format,
      list.map(({ path, bytes }) => {
        const content = bytes();
        writeFile(join(out, path), content);
        print.file(join(out, path));
        return sumOf(path, content);
      }),
    ]),
  );
  const kept = new Set(pathsIn(after));
  const others = Object.keys(before).filter((format) => !Object.hasOwn(after, format));
  for (const path of Object.keys(after).flatMap((format) => before[format] ?? []).map(({ path }) => path)) {
    if (!kept.has(path)) removeFile(out, path);
  }
  save({ ...before, ...after });
  if (others.length > 0) print.note(`${others.join(" and ")} files in ${out} are from an earlier export`);
}

/** Removes a file below `out`, and parent folders that become empty. */
function removeFile(out: string, path: string): void {
  try {
    Deno.removeSync(join(out, path));
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
      if ([...Deno.readDirSync(join(out, folder))].length > 0) return;
      Deno.removeSync(join(out, folder));
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw new UserError(
      `Cannot remove ${path} of an earlier export in ${out}: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}
