/**
 * The user's cache: folders of files verified by checksum, installed atomically.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { readJsonFile } from "../file/json.ts";
import { hashFile } from "../file/hash_file.ts";

/** A file of a cached folder. */
export interface CachedFile {
  /** SHA-256 of the file in hex. */
  sha256: string;
  /** Size in bytes. */
  bytes: number;
}

/** Metadata of a file. */
interface Look {
  size: number;
  mtime: number;
  ino: number | null;
}

/** Content of a folder's stamp: the metadata of its files when they were last verified, and the time of the check. */
interface Stamp {
  checked: number;
  files: Record<string, Look & { sha256: string }>;
}

const STAMP = "stamp.json";

/**
 * Resolution of file system clocks in milliseconds, at worst (2 s on FAT). A file that changed shortly before it was
 * verified may change again with the same metadata. Such a stamp is not trusted, and the next start verifies the
 * checksums.
 */
const SLOWEST_TICK = 2000;

/**
 * Returns the path of losskit's cache: the environment variable `LOSSKIT_CACHE` if it is set, else the folder `losskit`
 * in the user's cache folder (Linux: `XDG_CACHE_HOME` or `~/.cache`; macOS: `~/Library/Caches`).
 *
 * @param env Returns an environment variable. Default: this process's.
 * @param os Operating system, as `Deno.build.os`. Default: this machine's.
 */
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
 * Returns the path of a cached folder. Builds the folder first if it is missing or damaged. If several processes need
 * the same folder, one of them builds it and the others wait. The folder is built under a temporary name and renamed
 * after every file is verified, so that a killed build leaves no incomplete folder.
 *
 * @param folder `path`: path of the folder. `files`: the expected size and checksum of each file, by file name.
 * `build`: creates the files in the empty folder `into`. `warn`: receives lines for the user.
 * @throws {UserError} If the folder cannot be built. If the folder was damaged, the message also describes the damage.
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
    // A shared cache may be read-only: an intact folder in it can still be used.
    const { damage } = await inspect(path, files);
    if (damage === undefined) return path;
    throw unwritable(damage === "missing" ? path : `${path}, which is damaged (${damage})`, cause);
  }
  using _held = lock;
  if (await matchesStamp(path, files)) return path;
  const { damage, stamp } = await inspect(path, files);
  if (damage === undefined) {
    await writeStamp(path, stamp); // touched or copied, but intact
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
        `${fault.message}\nAlternatively, copy ${path} from another machine.`,
      { cause: error },
    );
  }
  return path;
}

/** Builds the folder under a temporary name and renames it. The lock must be held. */
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
    if (damage !== undefined) throw new UserError(`Cannot use the files fetched for ${path}: ${damage}`);
    await writeStamp(building, stamp);
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await Deno.rename(building, path);
  } catch (error) {
    await Deno.remove(building, { recursive: true }).catch(() => {});
    throw error;
  }
}

/**
 * Acquires the lock of a folder, after waiting for other processes. The system releases the locks of dead processes.
 */
async function takeLock(path: string, warn: (line: string) => void): Promise<Deno.FsFile> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(`${path}.lock`, { create: true, write: true });
  try {
    if (!await file.tryLock(true)) {
      warn(`waiting for another process that is building ${path}`);
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
    }. Set LOSSKIT_CACHE to a writable folder with room for a gigabyte.`,
    { cause },
  );
}

/** Returns true if an error comes from the system, such as a full disk, a missing permission or a read-only disk. */
function hasCode(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string";
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Removes the leftovers of killed processes. The lock must be held. */
async function removeLeftovers(path: string): Promise<void> {
  for await (const entry of Deno.readDir(dirname(path))) {
    if (entry.name.startsWith(`${basename(path)}.building-`)) {
      await Deno.remove(join(dirname(path), entry.name), { recursive: true });
    }
  }
}

/** Compares only names, sizes and times: hashing most of a gigabyte at each start would take a second. */
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

/** Verifies a folder's files. `damage` is undefined if all are intact, and "missing" if the folder is missing. */
async function inspect(
  path: string,
  files: Record<string, CachedFile>,
): Promise<{ damage: string | undefined; stamp: Stamp }> {
  const stamp: Stamp = { checked: Date.now(), files: {} };
  const found = (damage?: string) => ({ damage, stamp });
  if (await look(path) === undefined) return found("missing");
  for (const [name, { sha256, bytes }] of Object.entries(files)) {
    const seen = await look(join(path, name)); // before reading, so that the next check detects later changes
    if (seen === undefined) return found(`${name} is missing`);
    if (seen.size !== bytes) return found(`expected ${bytes} bytes in ${name}, got ${seen.size}`);
    const hash = await hashFile(join(path, name)).catch((error) => `unknown, since ${reason(error)}`);
    if (hash !== sha256) return found(`expected SHA-256 ${sha256} of ${name}, got ${hash}`);
    stamp.files[name] = { ...seen, sha256 };
  }
  return found();
}

/** Writes a stamp. If it cannot be written, the next start verifies the checksums again. */
async function writeStamp(path: string, stamp: Stamp): Promise<void> {
  await Deno.writeTextFile(join(path, STAMP), JSON.stringify(stamp)).catch(() => {});
}
