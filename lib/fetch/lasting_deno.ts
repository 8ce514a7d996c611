/**
 * The path of Deno for files that outlive this process, such as kernelspecs and job scripts.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDir } from "./cache.ts";

/** Returns true if a path is in npx's cache, which npm may empty. */
export function isTemporary(path: string): boolean {
  return /[\\/]_npx[\\/]/.test(path);
}

/**
 * Returns a path of Deno that stays valid. If Deno is in npx's cache, copies it to losskit's cache and returns the
 * copy's path.
 *
 * @param deno Path of Deno. Default: the running Deno.
 */
export function lastingDeno(deno: string = Deno.execPath()): string {
  if (!isTemporary(deno)) return deno;
  const folder = join(cacheDir(), `deno-${Deno.version.deno}`), path = join(folder, "deno");
  try {
    if (Deno.statSync(path).size === Deno.statSync(deno).size) return path;
  } catch {
    // The copy is missing.
  }
  Deno.mkdirSync(folder, { recursive: true });
  const part = `${path}.${Deno.pid}`;
  Deno.copyFileSync(deno, part);
  Deno.chmodSync(part, 0o755);
  Deno.renameSync(part, path); // a reader sees the whole copy, or none
  return path;
}
