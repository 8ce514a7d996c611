/**
 * `report --watch`: a sweep's report on the loopback address, which keeps up with the runs while a page is open.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { printableError } from "../error/printable.ts";
import { UserError } from "../error/user_error.ts";
import { renderReport } from "../figure/mod.ts";
import { readSweep, sha256Hex, type SweepRecords } from "../record/mod.ts";
import { EventStreams, PageStreams, Stalled } from "./report_streams.ts";
import { isFolder } from "./files.ts";
import { watchToken } from "./watch_token.ts";
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
 * Serves a sweep's report until it is told to end. A page that asks for `events` is told of every change of the journals,
 * and on connecting, again too, of how things are.
 *
 * It listens on 127.0.0.1 alone and answers only requests whose Host names that address and whose path begins with the
 * secret of {@linkcode watchToken}: neither another site's page nor another user of the machine reads the report. Answers
 * under way are bounded in number, and a reader that takes nothing for {@linkcode STALLED} is dropped.
 *
 * @param dir The sweep's folder; runs may still be to come.
 * @throws {UserError} when the folder is none, or the port is taken.
 */
export async function serveReport(dir: string, options: LiveOptions): Promise<void> {
  if (!isFolder(dir)) throw new UserError(`Cannot watch ${dir}: wanted a sweep's folder: there is none`);
  const report = new LiveReport(dir, options.tolerance);
  report.refresh();
  const token = watchToken();
  const pages = new PageStreams(), events = new EventStreams(options.signal);
  const poll = setInterval(() => {
    try {
      if (report.refresh()) events.tell(`data: ${report.version}\n\n`);
    } catch (error) {
      // What was last read stays in sight, and the next look may find the folder whole.
      console.error(error instanceof Error ? printableError(error.message) : error);
    }
  }, POLL);
  const keepAlive = setInterval(() => events.tell(": alive\n\n"), KEEP_ALIVE);
  let hosts: readonly string[] = [];
  const handle = async (request: Request): Promise<Response> => {
    const pathname = pathFor(request, hosts);
    if (pathname === undefined) return answer(421, "no such host");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(405, "only GET", { allow: "GET, HEAD" });
    }
    const isPage = pathname === `/${token}/`;
    if (!isPage && pathname !== `/${token}/events`) return answer(404, "not found");
    const headers = {
      ...HEADERS,
      "content-type": isPage ? "text/html; charset=utf-8" : "text/event-stream",
    };
    if (request.method === "HEAD") return new Response(null, { headers });
    try {
      const body = isPage
        ? pages.open(await report.page())
        : events.open(`retry: 1000\ndata: ${report.version}\n\n`);
      return body === undefined
        ? answer(503, "too many readers", { "retry-after": "10" })
        : new Response(body, { headers });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return answer(500, printableError(error.message)); // compare.json is damaged
    }
  };
  try {
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port,
      signal: options.signal,
      onListen: ({ port }) => {
        hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
        options.onListen(`http://127.0.0.1:${port}/${token}/`, report.runs);
      },
      onError: (error) => {
        if (!(error instanceof Stalled)) {
          console.error(`Cannot answer a request: ${error instanceof Error ? error.message : error}`);
        }
        return answer(500, "the report failed");
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

/** Headers of every answer: nothing is stored, guessed at, or told to other sites with the address. */
const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function answer(status: number, text: string, more: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, ...more } });
}

/** The path of a request that names this server; undefined: its Host is missing, malformed or another's. */
function pathFor(request: Request, hosts: readonly string[]): string | undefined {
  const named = request.headers.get("host")?.toLowerCase();
  if (named === undefined || !hosts.includes(named)) return undefined;
  try {
    const { host, pathname } = new URL(request.url);
    return hosts.includes(host) ? pathname : undefined;
  } catch {
    return undefined;
  }
}

/** The report of a folder as it was last read; the page is made when it is asked for. */
class LiveReport {
  readonly #dir: string;
  readonly #tolerance: number;
  #stamps = "";
  #records: SweepRecords = { runs: [], leftOut: [] };
  #page: Promise<Uint8Array> | undefined;

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

  /** The page in UTF-8. Readers of one version share its bytes. */
  page(): Promise<Uint8Array> {
    if (this.#page !== undefined) return this.#page;
    const page = this.#page = this.#render();
    page.catch(() => {
      if (this.#page === page) this.#page = undefined; // the next request may find the folder whole
    });
    return page;
  }

  async #render(): Promise<Uint8Array> {
    const html = await renderReport({
      title: basename(resolve(this.#dir)),
      ...this.#records,
      tolerance: this.#tolerance,
      culprits: readCulprits(this.#dir),
      reproduce: reproduceCommands(this.#dir, this.#records.runs),
      version: this.version,
    });
    return new TextEncoder().encode(html);
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

/** Returns a file's size and time; undefined: there is none, or none that can be asked about. */
function stampOf(path: string): string | undefined {
  try {
    const { size, mtime } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()}`;
  } catch {
    return undefined; // the place may be below a file, or a link in a circle: readers of the records say so
  }
}
