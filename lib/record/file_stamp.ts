/**
 * Stamps of files, for the detection of changes. A stamp consists of the size, the times and the hash of the content.
 * The content is only compared if the times are unreliable.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as v from "valibot";

/** Size, times and content hash of a file. */
export interface FileStamp {
  /** Size in bytes. */
  readonly size: number;
  /** Time of the last change of the content, in milliseconds since 1970. */
  readonly mtime: number;
  /**
   * Time of the last change of the content or the metadata, in milliseconds since 1970. A copy of the file has a
   * different time.
   */
  readonly ctime: number;
  /** True if the last change was more than 2 s before the stamp. Any later change then alters the times. */
  readonly settled: boolean;
  /** SHA-256 of the content, in hexadecimal. */
  readonly sha256: string;
}

/** Schema of {@linkcode FileStamp}. */
export const fileStampSchema: v.GenericSchema<unknown, FileStamp> = v.strictObject({
  size: v.number(),
  mtime: v.number(),
  ctime: v.number(),
  settled: v.boolean(),
  sha256: v.string(),
});

/** Resolution of file times, in milliseconds. Two changes within this interval may have equal times. */
const TICK = 2000;

/**
 * Returns the stamp of a file.
 *
 * @returns The stamp. Undefined if the file is missing, unreadable or not a regular file, or changed while it was read.
 */
export function stampFile(path: string): FileStamp | undefined {
  const now = Date.now();
  const before = timesOf(path);
  if (before === undefined) return undefined;
  const sha256 = hashOf(path), after = timesOf(path);
  if (sha256 === undefined || after === undefined || !equalTimes(before, after)) return undefined;
  return { ...before, settled: Math.max(before.mtime, before.ctime) + TICK < now, sha256 };
}

/** Returns true if a file matches its stamp. Reads the content only if the times are unreliable. */
export function matchesStamp(path: string, stamp: FileStamp): boolean {
  const now = timesOf(path);
  if (now === undefined || now.size !== stamp.size) return false;
  return stamp.settled && equalTimes(now, stamp) || hashOf(path) === stamp.sha256;
}

/** Buffer of {@linkcode hashOf}, reused for all files: garbage of this size is collected late. */
const piece = new Uint8Array(1 << 18);

/** Returns the SHA-256 of a file. Undefined for an unreadable file, whose reader reports the error. */
function hashOf(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const hash = createHash("sha256");
    for (let n = file.readSync(piece); n !== null; n = file.readSync(piece)) {
      hash.update(piece.subarray(0, n));
    }
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

type Times = Pick<FileStamp, "size" | "mtime" | "ctime">;

function equalTimes(a: Times, b: Times): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime;
}

function timesOf(path: string): Times | undefined {
  try {
    const { isFile, size, mtime, ctime } = Deno.statSync(path);
    if (!isFile) return undefined;
    return { size, mtime: mtime?.getTime() ?? NaN, ctime: ctime?.getTime() ?? NaN };
  } catch {
    return undefined;
  }
}
