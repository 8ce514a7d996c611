/**
 * Secret part of the address that `report --watch` serves.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDir } from "../../fetch/cache.ts";

/** 128 random bits in hexadecimal digits. */
const FORM = /^[0-9a-f]{32}$/;

/**
 * Returns the user's secret. The first call stores a random secret in the user's cache, readable by the user only.
 * Later calls return the same secret, so that an open page reconnects after a restart of the server. Without a usable
 * cache, each call returns a new secret.
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

/** Returns the secret in a file owned by and readable for the user only, or undefined if there is no such file. */
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
