/**
 * The user's cache: folders of checked files, put in place whole or not at all.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { readJsonFile } from "../file/json.ts";
import { hashFile } from "./file_hash.ts";

/** A file of a cached folder. */
export interface CachedFile {
  /** SHA-256 of its bytes, in hex. */
  sha256: string;
  /** Its size. */
  bytes: number;
}

/** How a file looks from outside. */
interface Look {
  size: number;
  mtime: number;
  ino: number | null;
}

/** What stands in a folder's stamp: how its files looked when they were last found right, and when that was. */
interface Stamp {
  checked: number;
  files: Record<string, Look & { sha256: string }>;
}

const STAMP = "stamp.json";

/**
 * A file that changed less than this many milliseconds before it was checked may change again and look the same, since
 * clocks of file systems tick slowly (by 2 s at worst, on FAT). Such a stamp is not trusted: the next start hashes.
 */
const SLOWEST_TICK = 2000;

/** The folder that losskit keeps what it fetched in: `LOSSKIT_CACHE`, or `losskit` in the system's cache folder. */
export function cacheDir(
  env: (name: string) => string | undefined = Deno.env.get,
  os: string = Deno.build.os,
): string {
  const own = env("LOSSKIT_CACHE");
  if (own) return own;
  const home = env("HOME") || env("USERPROFILE") || ".";
  if (os === "darwin") return join(home, "Library", "Caches", "losskit");
  return join(env("XDG_CACHE_HOME") || join(home, ".cache"), "losskit");
}

/**
 * A cached folder, built where it is missing or damaged. Processes that want the same build it once. It is built
 * beside its place and moved there when every file is right, so that a killed build leaves no broken folder.
 *
 * @param folder Its `path`, its `files` by name, `build`, which makes them in an empty folder, and `warn`.
 * @returns The path.
 * @throws {UserError} when it cannot be built; after damage, the message says both.
 */
export async function ensureFolder(folder: {
  path: string;
  files: Record<string, CachedFile>;
  build: (into: string) => Promise<void>;
  warn: (line: string) => void;
}): Promise<string> {
  const { path, files, warn } = folder;
  if (await matchesStamp(path, files)) return path;
  let lock: Deno.FsFile;
  try {
    lock = await takeLock(path, warn);
  } catch (cause) {
    // A shared cache may be read-only: what is right in it serves.
    const { damage } = await inspect(path, files);
    if (damage === undefined) return path;
    throw unwritable(damage === "missing" ? path : `${path}, which is damaged (${damage})`, cause);
  }
  using _held = lock;
  if (await matchesStamp(path, files)) return path;
  const { damage, stamp } = await inspect(path, files);
  if (damage === undefined) {
    await writeStamp(path, stamp); // touched or copied, but right
    return path;
  }
  if (damage !== "missing") warn(`${path} is damaged (${damage}): fetching it again`);
  try {
    await replaceFolder(folder);
  } catch (error) {
    const fault = hasCode(error) ? unwritable(path, error) : error;
    if (!(fault instanceof UserError)) throw fault;
    throw new UserError(
      (damage === "missing" ? "" : `Cannot use ${path}: ${damage}, and it cannot be fetched again:\n`) +
        `${fault.message}\nA copy of ${path} from another machine serves too.`,
      { cause: error },
    );
  }
  return path;
}

/** Builds beside the folder and moves it there. The lock is held. */
async function replaceFolder(
  { path, files, build }: {
    path: string;
    files: Record<string, CachedFile>;
    build: (into: string) => Promise<void>;
  },
): Promise<void> {
  await removeLeftovers(path);
  const building = `${path}.building-${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(building);
    await build(building);
    const { damage, stamp } = await inspect(building, files);
    if (damage !== undefined) throw new UserError(`Cannot use what was fetched for ${path}: ${damage}`);
    await writeStamp(building, stamp);
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await Deno.rename(building, path);
  } catch (error) {
    await Deno.remove(building, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** Waits until no other process is at work on a folder. The system frees the lock of a process that dies. */
async function takeLock(path: string, warn: (line: string) => void): Promise<Deno.FsFile> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(`${path}.lock`, { create: true, write: true });
  try {
    if (!await file.tryLock(true)) {
      warn(`waiting for another process that is at work on ${path}`);
      await file.lock(true);
    }
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

function unwritable(what: string, cause: unknown): UserError {
  return new UserError(
    `Cannot write the cache folder ${what}: ${
      reason(cause)
    }. Let LOSSKIT_CACHE name a folder that you may write to, with room for a gigabyte.`,
    { cause },
  );
}

/** Whether the system refused something: no room, no permission, a read-only disk. */
function hasCode(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string";
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What killed processes left beside a folder. The lock is held, so nobody is at work there. */
async function removeLeftovers(path: string): Promise<void> {
  for await (const entry of Deno.readDir(dirname(path))) {
    if (entry.name.startsWith(`${basename(path)}.building-`)) {
      await Deno.remove(join(dirname(path), entry.name), { recursive: true });
    }
  }
}

/** Compares names, sizes and times only: hashing most of a gigabyte at each start would take a second. */
async function matchesStamp(path: string, files: Record<string, CachedFile>): Promise<boolean> {
  let stamp: Partial<Stamp> | null;
  try {
    stamp = readJsonFile(join(path, STAMP)) as typeof stamp;
  } catch {
    return false;
  }
  const checked = stamp?.checked ?? -Infinity;
  for (const [name, { sha256, bytes }] of Object.entries(files)) {
    const found = await look(join(path, name));
    const known = stamp?.files?.[name];
    if (found === undefined || known === undefined) return false;
    if (known.sha256 !== sha256 || found.size !== bytes) return false;
    if (known.mtime !== found.mtime || known.ino !== found.ino) return false;
    if (found.mtime > checked - SLOWEST_TICK) return false;
  }
  return true;
}

async function look(path: string): Promise<Look | undefined> {
  try {
    const { size, mtime, ino } = await Deno.stat(path);
    return { size, mtime: mtime?.getTime() ?? 0, ino };
  } catch {
    return undefined;
  }
}

/** Hashes a folder's files. `damage` is undefined where all is right, and "missing" where there is no folder. */
async function inspect(
  path: string,
  files: Record<string, CachedFile>,
): Promise<{ damage: string | undefined; stamp: Stamp }> {
  const stamp: Stamp = { checked: Date.now(), files: {} };
  const found = (damage?: string) => ({ damage, stamp });
  if (await look(path) === undefined) return found("missing");
  for (const [name, { sha256, bytes }] of Object.entries(files)) {
    const seen = await look(join(path, name)); // before it is read: what changes meanwhile is noticed next time
    if (seen === undefined) return found(`${name} is missing`);
    if (seen.size !== bytes) return found(`${name} must be ${bytes} bytes long: it is ${seen.size}`);
    const hash = await hashFile(join(path, name)).catch((error) => `unknown, since ${reason(error)}`);
    if (hash !== sha256) return found(`the SHA-256 of ${name} must be ${sha256}: it is ${hash}`);
    stamp.files[name] = { ...seen, sha256 };
  }
  return found();
}

/** Where it cannot be written, the next start hashes again. */
async function writeStamp(path: string, stamp: Stamp): Promise<void> {
  await Deno.writeTextFile(join(path, STAMP), JSON.stringify(stamp)).catch(() => {});
}
