/**
 * The user's cache: folders of checked files, put in place whole or not at all.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { hashFile } from "./file_hash.ts";

/** A file of a cached folder. */
export interface CachedFile {
  /** SHA-256 of its bytes, in hex. */
  sha256: string;
  /** Its size. */
  bytes: number;
}

/** What stands in a folder's stamp: how its files looked when they were last found right. */
type Stamp = Record<string, { size: number; mtime: number; ino: number | null }>;

const STAMP = "stamp.json";

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
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
  } catch (cause) {
    throw new UserError(
      `Cannot make the cache folder ${dirname(path)}: ${
        reason(cause)
      }. Let LOSSKIT_CACHE name a folder you may write to.`,
      { cause },
    );
  }
  using lock = await Deno.open(`${path}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (await matchesStamp(path, files)) return path;
  const damage = await findDamage(path, files);
  if (damage === undefined) {
    await writeStamp(path, files); // touched or copied, but right
    return path;
  }
  if (damage !== "missing") warn(`${path} is damaged (${damage}): fetching it again`);
  await removeLeftovers(path);
  const building = `${path}.building-${crypto.randomUUID()}`;
  await Deno.mkdir(building);
  try {
    await folder.build(building);
    const wrong = await findDamage(building, files);
    if (wrong !== undefined) throw new UserError(`Cannot use what was fetched for ${path}: ${wrong}`);
    await writeStamp(building, files);
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await Deno.rename(building, path);
  } catch (error) {
    await Deno.remove(building, { recursive: true }).catch(() => {});
    if (damage === "missing") throw error;
    throw new UserError(`Cannot use ${path}: ${damage}, and it cannot be fetched again:\n${reason(error)}`, {
      cause: error,
    });
  }
  return path;
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
  let stamp: Stamp;
  try {
    stamp = JSON.parse(await Deno.readTextFile(join(path, STAMP)));
  } catch {
    return false;
  }
  for (const [name, { bytes }] of Object.entries(files)) {
    const found = await look(join(path, name));
    const known = stamp?.[name];
    if (found?.size !== bytes || known?.mtime !== found.mtime || known.ino !== found.ino) return false;
  }
  return true;
}

async function look(path: string): Promise<{ size: number; mtime: number; ino: number | null } | undefined> {
  try {
    const { size, mtime, ino } = await Deno.stat(path);
    return { size, mtime: mtime?.getTime() ?? 0, ino };
  } catch {
    return undefined;
  }
}

/** What is wrong with a folder; undefined: nothing; "missing": it is not there. */
async function findDamage(path: string, files: Record<string, CachedFile>): Promise<string | undefined> {
  if (await look(path) === undefined) return "missing";
  for (const [name, { sha256, bytes }] of Object.entries(files)) {
    const size = (await look(join(path, name)))?.size;
    if (size === undefined) return `${name} is missing`;
    if (size !== bytes) return `${name} must be ${bytes} bytes long: it is ${size}`;
    const found = await hashFile(join(path, name));
    if (found !== sha256) return `the SHA-256 of ${name} must be ${sha256}: it is ${found}`;
  }
  return undefined;
}

async function writeStamp(path: string, files: Record<string, CachedFile>): Promise<void> {
  const stamp: Stamp = {};
  for (const name of Object.keys(files)) stamp[name] = (await look(join(path, name)))!;
  await Deno.writeTextFile(join(path, STAMP), JSON.stringify(stamp));
}
