/**
 * Whether a file is what it was: by size and times where they can be trusted, and else by its content.
 *
 * @module
 */
import * as v from "valibot";
import { sha256Hex } from "./canonical_json.ts";

/** What a file was. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Last change of its content, milliseconds since 1970. */
  readonly mtime: number;
  /** Last change of its content or of what the file system says of it; copies have another. */
  readonly ctime: number;
  /** Whether it had been left alone for so long that a later change shows in its times. */
  readonly settled: boolean;
  /** SHA-256 of its content, in hex. */
  readonly sha256: string;
}

/** The form of stamps in files. */
export const fileStampSchema: v.GenericSchema<unknown, FileStamp> = v.strictObject({
  size: v.number(),
  mtime: v.number(),
  ctime: v.number(),
  settled: v.boolean(),
  sha256: v.string(),
});

/** A change within this time of another may leave the times as they are: they are of a clock that ticks. Milliseconds. */
const TICK = 2000;

/**
 * Stamps a file.
 *
 * @returns undefined where there is no such regular file, or it changed under the eyes of the reader.
 */
export function stampFile(path: string): FileStamp | undefined {
  const now = Date.now();
  const before = timesOf(path);
  if (before === undefined) return undefined;
  const sha256 = sha256Hex(Deno.readFileSync(path));
  const after = timesOf(path);
  if (after === undefined || !equalTimes(before, after)) return undefined;
  return { ...before, settled: Math.max(before.mtime, before.ctime) + TICK < now, sha256 };
}

/** Whether a file is still what it was. It is read only where its times do not tell. */
export function matchesStamp(path: string, stamp: FileStamp): boolean {
  const now = timesOf(path);
  if (now === undefined || now.size !== stamp.size) return false;
  return stamp.settled && equalTimes(now, stamp) || sha256Hex(Deno.readFileSync(path)) === stamp.sha256;
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
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
