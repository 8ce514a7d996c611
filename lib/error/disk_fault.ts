/**
 * Persistent file system faults, such as a full disk. They are reported with the path and not retried.
 *
 * @module
 */
import { UserError } from "./user_error.ts";

/** Remedies by error code. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "Free space on its disk, or choose another folder",
  EDQUOT: "Free some of the quota on its disk, or choose another folder",
  EFBIG: "Choose a disk that takes larger files",
  EROFS: "Make its disk writable, or choose another folder",
  EACCES: "Give permission to write there, or choose another folder",
  EPERM: "Give permission to write there, or choose another folder",
  EMFILE: "Raise the limit of open files (ulimit -n), or run fewer at once",
  ENFILE: "Raise the system's limit of open files, or run fewer at once",
};

/** Codes by errno on Linux, for errors to which Deno attaches no code. */
const NUMBERS: Readonly<Record<string, string>> = {
  "1": "EPERM",
  "13": "EACCES",
  "23": "ENFILE",
  "24": "EMFILE",
  "27": "EFBIG",
  "28": "ENOSPC",
  "30": "EROFS",
  "122": "EDQUOT",
};

/** Returns the code of a persistent file system fault, such as `ENOSPC`. Returns undefined for any other error. */
export function diskFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  const found = typeof code === "string"
    ? code
    : NUMBERS[/\(os error (\d+)\)/.exec(error.message)?.[1] ?? ""];
  return found !== undefined && Object.hasOwn(REMEDIES, found) ? found : undefined;
}

/**
 * Runs a function that writes a file. Rethrows a persistent fault, such as a full disk, with the path of the file.
 *
 * @param path Path of the file, for errors.
 * @param work Writes the file.
 * @returns The result of `work`.
 * @throws {UserError} For a persistent fault, with the path, the cause and a remedy.
 * @throws {Error} Any other error, unchanged.
 */
export function writing<R>(path: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw namedFault(path, error);
  }
}

/** Converts a persistent fault to a {@linkcode UserError} with the file's path. Returns any other error unchanged. */
export function namedFault(path: string, error: unknown): unknown {
  const fault = diskFault(error);
  if (fault === undefined || error instanceof UserError) return error;
  return new UserError(`Cannot write ${path}: ${(error as Error).message}. ${REMEDIES[fault]}.`, {
    cause: error,
  });
}
