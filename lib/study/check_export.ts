/**
 * `checkExport()`: verifies the files of an export.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { damageOf } from "../file/checksums.ts";
import { exists } from "../file/exists.ts";
import { CONTENTS, type ListedFile, readContents } from "./_export_folder.ts";

/** Result of {@linkcode checkExport}. */
export interface ExportCheck {
  /** Paths of all listed files. */
  readonly files: readonly string[];
  /** Damaged or missing files: the path, and the expected and the actual content as text. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Compares the files of an export with the sizes and SHA-256 checksums in `export.json`.
 *
 * @param folder Folder of an export, or folder of a sweep that was exported to its subfolder `export`.
 * @throws {UserError} If the folder has no export (exit status 2), or `export.json` is damaged (exit status 3).
 */
export async function checkExport(folder: string): Promise<ExportCheck> {
  const own = exists(join(folder, CONTENTS)) ? folder : join(folder, "export");
  if (!exists(join(own, CONTENTS))) {
    throw new UserError(
      `Cannot check the export in ${folder}: expected ${CONTENTS}, as written by \`${
        typedCommand("export")
      }\`, got no file.`,
    );
  }
  const files: string[] = [], damaged: { path: string; reason: string }[] = [];
  for (const file of listedIn(own)) {
    const path = join(own, file.path);
    files.push(path);
    const reason = file.bytes === undefined
      ? `expected a checksum in ${CONTENTS}, got none: the export was interrupted, or is from losskit 0.1`
      : await damageOf(own, file);
    if (reason !== undefined) damaged.push({ path, reason });
  }
  return { files, damaged };
}

function listedIn(folder: string): ListedFile[] {
  try {
    return Object.values(readContents(folder)).flat();
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(cause.message, { cause, exitCode: EXIT.someFailed });
  }
}
