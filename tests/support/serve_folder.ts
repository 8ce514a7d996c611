/**
 * Serves a folder over loopback HTTP.
 *
 * @module
 */
import { extname, join } from "node:path";

/** Content types of the files that Deno imports and browsers show. */
const TYPES: Readonly<Record<string, string>> = {
  ".ts": "application/typescript",
  ".json": "application/json",
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** A running server. */
export interface ServedFolder extends AsyncDisposable {
  /** URL of the folder, with a slash at the end. */
  readonly url: string;
}

/** Starts a server of a folder's files. */
export function serveFolder(folder: string): ServedFolder {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const path = join(folder, new URL(request.url).pathname);
    try {
      const headers = { "content-type": TYPES[extname(path)] ?? "text/plain" };
      return new Response(await Deno.readFile(path), { headers });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
