/**
 * Faults of a file system that another try meets again, such as a full disk: named with the path, and not retried.
 *
 * @module
 */
import { UserError } from "./user_error.ts";

/** Codes of such faults, and what mends each. */
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

/** Numbers of the same faults on Linux, for errors that Deno gives no code. */
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

/** Returns the code of a file system's fault that lasts, such as `ENOSPC`; undefined for any other error. */
export function diskFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  const found = typeof code === "string"
    ? code
    : NUMBERS[/\(os error (\d+)\)/.exec(error.message)?.[1] ?? ""];
  return found !== undefined && Object.hasOwn(REMEDIES, found) ? found : undefined;
}

/**
 * Runs work that writes a file.
 *
 * @param path The file, for the message.
 * @throws {UserError} with the path, the cause and a remedy, for a fault that lasts.
 * @throws {Error} any other error as it is.
 */
export function writing<R>(path: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw namedFault(path, error);
  }
}

/** Returns an error with the path of the file that it is about, where it is a fault that lasts; any other as it is. */
export function namedFault(path: string, error: unknown): unknown {
  const fault = diskFault(error);
  if (fault === undefined || error instanceof UserError) return error;
  return new UserError(`Cannot write ${path}: ${(error as Error).message}. ${REMEDIES[fault]}.`, {
    cause: error,
  });
}
