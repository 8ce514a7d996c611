/**
 * Writes exported files to a folder. An export replaces all files of earlier exports in the same format, and no other files.
 *
 * @module
 */
import { dirname, isAbsolute, join, normalize } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import { sealJson } from "../file/sealed_json.ts";
import { writeFile } from "../file/write_file.ts";
import { readJson } from "../record/mod.ts";

/** File of an export. */
export interface ExportedFile {
  /** Path relative to the export folder. */
  readonly path: string;
  /** Returns the bytes. Called once per file, so that large exports need not fit in memory. */
  readonly bytes: () => Uint8Array;
}

/** Name of the file that lists the files written by exports. */
const CONTENTS = "export.json";

const below = (path: string) => !isAbsolute(path) && !normalize(path).startsWith("..");
const schema = v.object({
  format: v.literal("losskit-export/1"),
  /** Files by format. */
  files: v.record(
    v.string(),
    v.array(v.pipe(v.string(), v.check(below, "expected a path inside the folder"))),
  ),
});

/**
 * Writes exported files to a folder. Removes files of earlier exports in the same formats that are not written again, for
 * example of deleted runs.
 *
 * @param out Output folder; created if missing.
 * @param exported Files by format.
 * @param print `file` receives the path of each written file, `note` a note on remaining files of other formats.
 * @throws {UserError} If a file not written by an export would be replaced (nothing is written then), or if the folder is
 * not writable.
 */
export function writeExport(
  out: string,
  exported: Readonly<Record<string, readonly ExportedFile[]>>,
  print: { file: (path: string) => void; note: (line: string) => void },
): void {
  const contents = join(out, CONTENTS);
  const before = exists(contents) ? readJson(contents, schema, "the list of exported files").files : {};
  const own = new Set(Object.values(before).flat());
  const files = Object.values(exported).flat();
  const foreign = files.find(({ path }) => !own.has(path) && exists(join(out, path)));
  if (foreign !== undefined) {
    throw new UserError(
      `Cannot export to ${out}: ${foreign.path} exists and is not from an earlier export (see ${CONTENTS}). ` +
        "Choose another folder with --out, or delete the file.",
    );
  }
  const save = (list: Readonly<Record<string, readonly string[]>>) =>
    writeFile(contents, sealJson({ format: "losskit-export/1", files: list }, 1));
  const after = Object.fromEntries(
    Object.entries(exported).map(([format, list]) => [format, list.map(({ path }) => path)]),
  );
  const formats = new Set([...Object.keys(before), ...Object.keys(after)]);
  // List all files that can exist during this export first. After a kill, the next export still recognizes every file.
  save(Object.fromEntries(
    [...formats].map((format) => [format, [...new Set([...before[format] ?? [], ...after[format] ?? []])]]),
  ));
  for (const { path, bytes } of files) {
    writeFile(join(out, path), bytes());
    print.file(join(out, path));
  }
  const kept = new Set([...files.map(({ path }) => path)]);
  for (const path of Object.keys(after).flatMap((format) => before[format] ?? [])) {
    if (!kept.has(path)) removeFile(out, path);
  }
  save({ ...before, ...after });
  const others = Object.keys(before).filter((format) => !Object.hasOwn(after, format));
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
