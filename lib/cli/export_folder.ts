/**
 * The folder that exported files go to: each export of a format replaces the one before it wholly, and nothing else.
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

/** A file to write, below the folder of exports. */
export interface ExportedFile {
  /** Its place in the folder. */
  readonly path: string;
  /** Makes its bytes: together files may be large. */
  readonly bytes: () => Uint8Array;
}

/** The file in the folder that tells which others exports have written. */
const CONTENTS = "export.json";

const below = (path: string) => !isAbsolute(path) && !normalize(path).startsWith("..");
const schema = v.object({
  format: v.literal("losskit-export/1"),
  /** Files by the format that they are in. */
  files: v.record(v.string(), v.array(v.pipe(v.string(), v.check(below, "wanted a place in the folder")))),
});

/**
 * Writes files of some formats into a folder. Those that an earlier export of the same formats left there and that are not
 * written again, such as of runs that are gone, are removed.
 *
 * @param out The folder; made where there is none.
 * @param exported Files by format.
 * @param print Takes the paths of files as they are written, and what is left of other formats.
 * @throws {UserError} when a file is in the way that no export has written, before anything is; or when the folder cannot
 * be written to.
 */
export function writeExport(
  out: string,
  exported: Readonly<Record<string, readonly ExportedFile[]>>,
  print: { file: (path: string) => void; note: (line: string) => void },
): void {
  const contents = join(out, CONTENTS);
  const before = exists(contents) ? readJson(contents, schema, "the list of what exports wrote").files : {};
  const own = new Set(Object.values(before).flat());
  const files = Object.values(exported).flat();
  const foreign = files.find(({ path }) => !own.has(path) && exists(join(out, path)));
  if (foreign !== undefined) {
    throw new UserError(
      `Cannot export into ${out}: it holds ${foreign.path}, which no export has written, as its ${CONTENTS} would ` +
        "tell. Choose another folder with --out, or delete that file.",
    );
  }
  const save = (list: Readonly<Record<string, readonly string[]>>) =>
    writeFile(contents, sealJson({ format: "losskit-export/1", files: list }, 1));
  const after = Object.fromEntries(
    Object.entries(exported).map(([format, list]) => [format, list.map(({ path }) => path)]),
  );
  const formats = new Set([...Object.keys(before), ...Object.keys(after)]);
  // All that may be there until the end, so that an export that is killed leaves nothing that the next one does not know.
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
  if (others.length > 0) print.note(`${others.join(" and ")} files in ${out} are of an earlier export`);
}

/** Removes a file below a folder, and the folders between the two that it leaves empty. */
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
      `Cannot replace the export in ${out}: ${path}, of an earlier one, cannot be removed: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}
