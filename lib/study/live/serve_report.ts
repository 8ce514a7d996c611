/**
 * `report --watch`: serves a sweep's report on the loopback address, and updates open pages while runs progress.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { printableError } from "../../error/printable.ts";
import { UserError } from "../../error/user_error.ts";
import { renderReport, type ReportProgress } from "../../figure/mod.ts";
import { isClaimed, readSweep, runPaths, sha256Hex, type SweepRecords } from "../../record/mod.ts";
import { EventStreams, PageStreams, Stalled } from "./_report_streams.ts";
import { insteadOfFolder, isFolder } from "../../file/exists.ts";
import { watchToken } from "./_watch_token.ts";
import { readCulprits, reproduceCommands } from "../report_facts.ts";
import { runFlops } from "../run_flops.ts";
import { sweepProgress } from "../sweep_progress.ts";

/** Intervals in milliseconds: polling of the folder, and keep-alive messages on idle connections. */
const POLL = 1000, KEEP_ALIVE = 15_000;

/** Options of {@linkcode serveReport}. */
export interface LiveOptions {
  /** Smallest gap that matters, in nats per token. */
  readonly tolerance: number;
  /** Port number. 0 means any free port. */
  readonly port: number;
  /**
   * Signal that the sweep has ended. Open pages are notified and stop reconnecting. Default: none; open pages then wait
   * for a restart of the server.
   */
  readonly ending?: AbortSignal;
  /** Signal that stops the server. */
  readonly signal: AbortSignal;
  /** Called with the address and the number of runs, once the server accepts connections. */
  readonly onListen: (url: string, runs: number) => void;
}

/**
 * Serves a sweep's report until the signal aborts. The path `events` is an event stream. It sends the version of the
 * report on connection, and after every change of the journals.
 *
 * The server listens on 127.0.0.1 only. The `Host` of a request must be that address, and the path must start with the
 * secret of {@linkcode watchToken}. Other web sites and other users of the machine therefore cannot read the report.
 * The number of open responses is limited. The server closes the connection of a reader that accepts no data for 5 s.
 *
 * @param dir Folder of the sweep. The folder need not contain runs yet.
 * @throws {UserError} If the folder does not exist, or the port is not available.
 */
export async function serveReport(dir: string, options: LiveOptions): Promise<void> {
  if (!isFolder(dir)) {
    throw new UserError(
      `Cannot watch ${dir}: expected a sweep's folder, got ${
        insteadOfFolder(dir)
      }. Correct the path, or start the sweep first.`,
    );
  }
  const report = new LiveReport(dir, options.tolerance);
  report.refresh();
  const token = watchToken();
  const pages = new PageStreams(), events = new EventStreams(options.signal);
  options.ending?.addEventListener("abort", () => events.tell("event: end\ndata: \n\n"));
  const poll = setInterval(() => {
    try {
      if (report.refresh()) events.tell(`data: ${report.version}\n\n`);
    } catch (error) {
      // The page keeps the last version. The next poll may succeed.
      console.error(error instanceof Error ? printableError(error.message) : error);
    }
  }, POLL);
  const keepAlive = setInterval(() => events.tell(": alive\n\n"), KEEP_ALIVE);
  let hosts: readonly string[] = [];
  const handle = async (request: Request): Promise<Response> => {
    const pathname = pathFor(request, hosts);
    if (pathname === undefined) return answer(421, "unknown host");
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
      return answer(500, printableError(error.message)); // damaged compare.json
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
      `Cannot watch ${dir}: port ${options.port} ${taken ? "is in use" : "requires other permissions"}. ` +
        "Choose another --port, or 0 for any free port.",
      { cause },
    );
  } finally {
    clearInterval(poll);
    clearInterval(keepAlive);
  }
}

/** Headers of all responses: no caching, no content sniffing, no referrer. */
const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function answer(status: number, text: string, more: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, ...more } });
}

/** Returns the path of a request, or undefined if its Host is missing, malformed or not this server. */
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

/** Report of the records in a folder, as last read. The page is rendered on demand. */
class LiveReport {
  readonly #dir: string;
  readonly #tolerance: number;
  #stamps = "";
  #records: SweepRecords = { runs: [], leftOut: [] };
  #progress: ReportProgress | undefined;
  #page: Promise<Uint8Array> | undefined;

  constructor(dir: string, tolerance: number) {
    this.#dir = dir;
    this.#tolerance = tolerance;
  }

  /** Number of runs. */
  get runs(): number {
    return this.#records.runs.length;
  }

  /** Identifier of the current state of the records. */
  get version(): string {
    return sha256Hex(this.#stamps).slice(0, 16);
  }

  /** Reads the records again if they changed. Returns true if they changed. */
  refresh(): boolean {
    const journals = journalStamps(join(this.#dir, "runs"));
    const others = ["compare.json", "plan.json"].map((name) => stampOf(join(this.#dir, name)) ?? "");
    const stamps = [journals, ...others, claimStamps(this.#dir)].join("\n");
    if (stamps === this.#stamps) return false;
    this.#records = journals === "" ? { runs: [], leftOut: [] } : readSweep(this.#dir);
    this.#progress = sweepProgress(this.#dir, this.#records.runs);
    this.#stamps = stamps;
    this.#page = undefined;
    return true;
  }

  /** Returns the page in UTF-8. Readers of one version share its bytes. */
  page(): Promise<Uint8Array> {
    if (this.#page !== undefined) return this.#page;
    const page = this.#page = this.#render();
    page.catch(() => {
      if (this.#page === page) this.#page = undefined; // the next request renders again
    });
    return page;
  }

  async #render(): Promise<Uint8Array> {
    const html = await renderReport({
      title: basename(resolve(this.#dir)),
      ...this.#records,
      tolerance: this.#tolerance,
      culprits: readCulprits(this.#dir),
      flops: runFlops(this.#dir, this.#records.runs),
      progress: this.#progress,
      reproduce: reproduceCommands(this.#dir, this.#records.runs),
      version: this.version,
    });
    return new TextEncoder().encode(html);
  }
}

/** Returns the sizes and modification times of all journals and of their runs' notes; empty without journals. */
function journalStamps(runs: string): string {
  if (!isFolder(runs)) return "";
  return [...Deno.readDirSync(runs)].flatMap(({ name }) => {
    const { journal, note } = runPaths(join(runs, name));
    const stamp = stampOf(journal); // undefined: a run without a journal yet
    return stamp === undefined ? [] : [`${name} ${stamp} ${stampOf(note) ?? ""}`];
  }).sort().join("\n");
}

/** Returns the IDs of runs that a process owns, so that a page shows started and ended runs. */
function claimStamps(dir: string): string {
  const runs = join(dir, "runs");
  if (!isFolder(runs)) return "";
  return [...Deno.readDirSync(runs)].map(({ name }) => name)
    .filter((name) => isClaimed(runPaths(join(runs, name)).claim)).sort().join();
}

/** Returns the size and modification time of a file, or undefined if it is missing or inaccessible. */
function stampOf(path: string): string | undefined {
  try {
    const { size, mtime } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()}`;
  } catch {
    return undefined; // includes paths below a file and cyclic links, which readSweep() reports
  }
}
