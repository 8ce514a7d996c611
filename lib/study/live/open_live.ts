/**
 * `sweep --open`: serves the report of a running sweep and opens it in the browser.
 *
 * @module
 */
import { openInBrowser } from "./open_in_browser.ts";
import { serveReport } from "./serve_report.ts";

/** Times in milliseconds for open pages to load the last version, and to receive the last event. */
const LAST_VERSION = 3000, LAST_EVENT = 200;

/** The served report of a running sweep. */
export interface LiveReport {
  /** Stops the server after 3 s, so that open pages can load the last version of the report. */
  close(): Promise<void>;
}

/**
 * Serves the report of a sweep on a free port, and opens the report in the browser. If the report cannot be served,
 * prints the reason, and the sweep continues.
 *
 * @param dir The sweep's folder. Created if it is missing.
 * @param options `tolerance`: smallest gap that matters, in nats per token. `print`: receives the address or the
 * reason.
 */
export function openLive(
  dir: string,
  { tolerance, print }: { tolerance: number; print: (line: string) => void },
): LiveReport {
  Deno.mkdirSync(dir, { recursive: true });
  const stop = new AbortController(), ending = new AbortController();
  const wait = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
  const served = serveReport(dir, {
    ...{ tolerance, port: 0, signal: stop.signal, ending: ending.signal },
    onListen: (url) =>
      print(openInBrowser(url) ? `live report: ${url}` : `live report: open ${url} in a browser`),
  }).catch((error) => print(`warning: ${error instanceof Error ? error.message : error}`));
  return {
    close: async () => {
      await wait(LAST_VERSION);
      ending.abort();
      await wait(LAST_EVENT);
      stop.abort();
      await served;
    },
  };
}
