/**
 * One worker as its sweep sees it: started, watched over its limits, and how it ended.
 *
 * @module
 */
import { EXIT } from "../error/user_error.ts";
import { openOwnFile } from "../file/own_file.ts";
import { formatBytes, formatDuration } from "../progress/progress.ts";
import { requirePlace, runFolder, runPaths } from "../record/mod.ts";
import { denoArguments } from "../run/environment.ts";

/** What a run may use at most. */
export interface Limits {
  /** Seconds from the start of its process. Default: no limit. */
  readonly seconds?: number | undefined;
  /** Bytes of resident memory. Default: no limit. */
  readonly bytes?: number | undefined;
}

/** How a worker ended. */
export interface WorkerEnd {
  /** Its status; that of a process ended by a signal is 128 and the signal's number. */
  readonly code: number;
  /** Why it failed, in words; undefined: it did not. */
  readonly cause: string | undefined;
  /** Whether it went over a limit. */
  readonly overLimit: boolean;
}

/** A worker that was started. */
export interface Worker {
  /** Its process. */
  readonly pid: number;
  /** Sends a signal; nothing happens when it has ended. */
  kill(signal: Deno.Signal): void;
  /** When it has ended. */
  readonly ended: Promise<WorkerEnd>;
}

/** Time between two looks at time and memory, in milliseconds. */
const LOOK = 200;

/** Time that a worker over its time has to write a checkpoint, in milliseconds. */
const GRACE = 10_000;

/** The worker writes its log itself, so that nothing of it is lost with the sweep. The process stays the same one. */
const INTO_LOG = 'log=$1; shift; exec 3>&1 2>&1; exec "$@" >>"$log" 2>&1';

/** Where a worker writes the reason of its failure for the sweep: the log's disk may be full. */
export const REASON_PATH = "/dev/fd/3";

/** Time in which the rest of a reason comes after a worker's end, in milliseconds. */
const REST = 200;

/**
 * Starts a worker.
 *
 * @param id The run.
 * @param options The sweep's folder, limits, and whether what another environment began is gone on with.
 * @throws {Error} when the run's folder cannot be made or written to, or is a link that leaves the sweep's.
 */
export function startWorker(
  id: string,
  options: { dir: string; limits: Limits; allowEnvironmentChange: boolean },
): Worker {
  const { dir, limits, allowEnvironmentChange } = options;
  const folder = runFolder(dir, id);
  requirePlace(folder);
  Deno.mkdirSync(folder, { recursive: true });
  const { log } = runPaths(folder);
  openOwnFile(log, { append: true }).close(); // the shell would follow a link
  const before = Deno.statSync(log).size;
  const worker = [
    Deno.execPath(),
    ...denoArguments(new URL("./worker.ts", import.meta.url).href),
    dir,
    id,
    ...(allowEnvironmentChange ? ["--allow-environment-change"] : []),
  ];
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", INTO_LOG, "sh", log, ...worker],
    env: { LOSSKIT_SWEEP: String(Deno.pid) },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reason = textOf(child.stdout);
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  };
  const watch = watchLimits(child.pid, { limits, kill });
  const ended = child.status.then(async ({ code, signal }): Promise<WorkerEnd> => {
    const told = await reason.untilEnd();
    const over = watch.stop();
    const failed = signal !== null || (code !== EXIT.ok && code !== EXIT.interrupted);
    const cause = over ??
      (signal !== null ? `ended by ${signal}` : failed ? told || lastLine(log, before) : undefined);
    return { code, cause, overLimit: over !== undefined };
  });
  return { pid: child.pid, kill, ended };
}

/** Collects a stream's text; `untilEnd` gives up on a stream that a process left behind keeps open. */
function textOf(stream: Deno.ChildProcess["stdout"]): { untilEnd: () => Promise<string> } {
  const reader = stream.getReader(), decoder = new TextDecoder();
  let text = "";
  const end = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
    }
  })().catch(() => {}); // it was given up
  return {
    untilEnd: async () => {
      const timer = setTimeout(() => void reader.cancel(), REST);
      await end;
      clearTimeout(timer);
      return text.trim();
    },
  };
}

/** Stops a process that goes over a limit; `stop` ends the watch, and says what was gone over. */
function watchLimits(
  pid: number,
  { limits, kill }: { limits: Limits; kill: (signal: Deno.Signal) => void },
): { stop: () => string | undefined } {
  const begin = performance.now();
  let over: string | undefined, end = Infinity;
  const look = () => {
    const elapsed = performance.now() - begin;
    if (over !== undefined) {
      if (elapsed > end) kill("SIGKILL");
    } else if (limits.seconds !== undefined && elapsed > 1000 * limits.seconds) {
      over = `it took longer than its limit of ${formatDuration(limits.seconds)}`;
      end = elapsed + GRACE;
      kill("SIGTERM");
    } else if (limits.bytes !== undefined) {
      const bytes = residentBytes(pid) ?? 0;
      if (bytes <= limits.bytes) return;
      over = `it used ${formatBytes(bytes)} of memory, beyond its limit of ${formatBytes(limits.bytes)}`;
      kill("SIGKILL");
    }
  };
  const timer = limits.seconds === undefined && limits.bytes === undefined
    ? undefined
    : setInterval(look, LOOK);
  return {
    stop() {
      clearInterval(timer);
      return over;
    },
  };
}

/** Resident memory of a process in bytes; undefined: it has ended, or this system does not say. */
export function residentBytes(pid: number): number | undefined {
  try {
    if (Deno.build.os === "linux") {
      const kilobytes = /^VmRSS:\s*(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
      return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
    }
    const { stdout } = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).outputSync();
    return 1024 * Number(new TextDecoder().decode(stdout)) || undefined;
  } catch {
    return undefined;
  }
}

/** The last line that a log got after its first `before` bytes. */
function lastLine(path: string, before: number): string {
  try {
    const text = new TextDecoder().decode(Deno.readFileSync(path).subarray(before));
    return text.trimEnd().split("\n").at(-1) || "it left no message";
  } catch {
    return "it left no message";
  }
}
