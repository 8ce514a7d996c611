/**
 * The secret in the address of `report --watch`.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDir } from "../fetch/cache.ts";

/** 128 random bits in hexadecimal digits. */
const FORM = /^[0-9a-f]{32}$/;

/**
 * Returns this user's secret: random, made once and kept in the user's cache, readable by the user alone, so that an open
 * page finds the server again after it was started anew. Where the cache cannot be used, a new one.
 */
export function watchToken(): string {
  const path = join(cacheDir(), "watch-token");
  const token = crypto.randomUUID().replaceAll("-", "");
  try {
    Deno.mkdirSync(cacheDir(), { recursive: true });
    Deno.writeTextFileSync(path, token, { createNew: true, mode: 0o600 });
    return token;
  } catch {
    return keptToken(path) ?? token;
  }
}

/** The secret in a file that is this user's alone; undefined: there is none. */
function keptToken(path: string): string | undefined {
  try {
    const { isFile, mode, uid } = Deno.lstatSync(path);
    const isOwn = Deno.build.os === "windows" || (uid === Deno.uid() && ((mode ?? 0) & 0o077) === 0);
    const kept = isFile && isOwn ? Deno.readTextFileSync(path) : "";
    return FORM.test(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}
