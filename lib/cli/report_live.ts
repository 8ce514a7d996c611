/**
 * `report --watch`: a sweep's report on the loopback address, which keeps up with the runs while a page is open.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { renderReport } from "../figure/mod.ts";
import { readSweep, sha256Hex, type SweepRecords } from "../record/mod.ts";
import { isFolder } from "./files.ts";
import { readCulprits, reproduceCommands } from "./report_files.ts";

/** How often the folder is looked at, and how often a silent connection is told that it lives, in milliseconds. */
const POLL = 1000, KEEP_ALIVE = 15_000;

/** How a report is served. */
export interface LiveOptions {
  /** The gap that counts as one, nats per token. */
  readonly tolerance: number;
  /** The port; 0: a free one. */
  readonly port: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told the address once it is served, and how many runs there are. */
  readonly onListen: (url: string, runs: number) => void;
}

/**
 * Serves a sweep's report until it is told to end. A page that asks `/events` is told of every change of the journals,
 * and on connecting, again too, of how things are.
 *
 * It listens on 127.0.0.1 alone, answers only requests that name it so (another site's page cannot reach it by a name of
 * its own), and reads nothing but the sweep's records.
 *
 * @param dir The sweep's folder; runs may still be to come.
 * @throws {UserError} when the folder is none, or the port is taken.
 */
export async function serveReport(dir: string, options: LiveOptions): Promise<void> {
  if (!isFolder(dir)) throw new UserError(`Cannot watch ${dir}: wanted a sweep's folder: there is none`);
  const report = new LiveReport(dir, options.tolerance);
  report.refresh();
  const encoder = new TextEncoder();
  const listeners = new Set<(text: string) => void>();
  const tell = (text: string) => listeners.forEach((send) => send(text));
  const poll = setInterval(() => {
    try {
      if (report.refresh()) tell(`data: ${report.version}\n\n`);
    } catch (error) {
      // What was last read stays in sight, and the next look may find the folder whole.
      console.error(error instanceof Error ? error.message : error);
    }
  }, POLL);
  const keepAlive = setInterval(() => tell(": alive\n\n"), KEEP_ALIVE);
  const events = (): Response => {
    let send: (text: string) => void;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (text) => controller.enqueue(encoder.encode(text));
        listeners.add(send);
        send(`retry: 1000\ndata: ${report.version}\n\n`);
        options.signal.addEventListener("abort", () => {
          if (listeners.delete(send)) controller.close();
        }, { once: true });
      },
      cancel: () => void listeners.delete(send),
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  };
  let origins: readonly string[] = [];
  const handle = async (request: Request): Promise<Response> => {
    const { pathname, host } = new URL(request.url);
    if (!origins.includes(host)) return new Response("no such host\n", { status: 421 });
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("only GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    if (pathname === "/events") return events();
    if (pathname !== "/") return new Response("not found\n", { status: 404 });
    try {
      return new Response(await report.page(), {
        headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return new Response(`${error.message}\n`, { status: 500 }); // compare.json is damaged
    }
  };
  try {
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port,
      signal: options.signal,
      onListen: ({ port }) => {
        origins = [`127.0.0.1:${port}`, `localhost:${port}`];
        options.onListen(`http://127.0.0.1:${port}/`, report.runs);
      },
    }, handle);
    await server.finished;
  } catch (cause) {
    const taken = cause instanceof Deno.errors.AddrInUse;
    if (!taken && !(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new UserError(
      `Cannot watch ${dir}: port ${options.port} is ${taken ? "taken" : "not for this user"}: ` +
        "name another with --port, or 0 for a free one",
      { cause },
    );
  } finally {
    clearInterval(poll);
    clearInterval(keepAlive);
  }
}

/** The report of a folder as it was last read; the page is made when it is asked for. */
class LiveReport {
  readonly #dir: string;
  readonly #tolerance: number;
  #stamps = "";
  #records: SweepRecords = { runs: [], leftOut: [] };
  #page: Promise<string> | undefined;

  constructor(dir: string, tolerance: number) {
    this.#dir = dir;
    this.#tolerance = tolerance;
  }

  /** How many runs there are. */
  get runs(): number {
    return this.#records.runs.length;
  }

  /** What tells this state of the records from others. */
  get version(): string {
    return sha256Hex(this.#stamps).slice(0, 16);
  }

  /** Reads the records again if they changed. Answers whether they did. */
  refresh(): boolean {
    const journals = journalStamps(join(this.#dir, "runs"));
    const stamps = `${journals}\n${stampOf(join(this.#dir, "compare.json")) ?? ""}`;
    if (stamps === this.#stamps) return false;
    this.#records = journals === "" ? { runs: [], leftOut: [] } : readSweep(this.#dir);
    this.#stamps = stamps;
    this.#page = undefined;
    return true;
  }

  /** The page. */
  page(): Promise<string> {
    return this.#page ??= renderReport({
      title: basename(resolve(this.#dir)),
      ...this.#records,
      tolerance: this.#tolerance,
      culprits: readCulprits(this.#dir),
      reproduce: reproduceCommands(this.#dir, this.#records.runs),
      version: this.version,
    });
  }
}

/** Sizes and times of all journals; empty: there is none yet. */
function journalStamps(runs: string): string {
  if (!isFolder(runs)) return "";
  return [...Deno.readDirSync(runs)].flatMap(({ name }) => {
    const stamp = stampOf(join(runs, name, "journal.jsonl")); // none: a run that is about to begin
    return stamp === undefined ? [] : [`${name} ${stamp}`];
  }).sort().join("\n");
}

/** A file's size and time; undefined: there is none. */
function stampOf(path: string): string | undefined {
  try {
    const { size, mtime } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
