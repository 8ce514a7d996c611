/**
 * Worker processes: start, resource limits and outcome.
 *
 * @module
 */
import { EXIT } from "../error/user_error.ts";
import { openOwnFile } from "../file/own_file.ts";
import { formatBytes, formatDuration } from "../progress/progress.ts";
import { requirePlace, runFolder, runPaths } from "../record/mod.ts";
import { denoArguments } from "../file/package.ts";

/** Resource limits of a run. */
export interface Limits {
  /** Seconds since the start of the process. Default: no limit. */
  readonly seconds?: number | undefined;
  /** Bytes of resident memory. Default: no limit. */
  readonly bytes?: number | undefined;
}

/** Outcome of a worker. */
export interface WorkerEnd {
  /** Exit status. 128 plus the signal number if a signal ended the process. */
  readonly code: number;
  /** Reason for a failure. Undefined without a failure. */
  readonly cause: string | undefined;
  /** True if the worker exceeded a limit. */
  readonly overLimit: boolean;
}

/** A started worker. */
export interface Worker {
  /** Process ID. */
  readonly pid: number;
  /** Sends a signal. Has no effect after the worker has ended. */
  kill(signal: Deno.Signal): void;
  /** Promise of the outcome. */
  readonly ended: Promise<WorkerEnd>;
}

/** Polling interval for limits, in milliseconds. */
const POLL_MS = 200;

/** Grace period for a final checkpoint after the time limit, in milliseconds. */
const GRACE = 10_000;

/**
 * Shell wrapper that redirects output to the log, so that no output is lost with the sweep. `exec` keeps the process
 * ID.
 */
const INTO_LOG = 'log=$1; shift; exec 3>&1 2>&1; exec "$@" >>"$log" 2>&1';

/** File descriptor on which a worker reports its failure to the sweep. The log may be on a full disk. */
export const REASON_PATH = "/dev/fd/3";

/** Time to read the rest of a reported failure after the worker has ended, in milliseconds. */
const REST = 200;

/**
 * Starts a worker.
 *
 * @param id The run.
 * @param options The sweep's folder, limits, and permission to resume runs of another environment.
 * @throws {Error} If the run's folder is not writable, or is a link that leaves the sweep's folder.
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
  openOwnFile(log, { append: true }).close(); // refuses links, which the shell would follow
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
      // The process has already ended.
    }
  };
  const watch = watchLimits(child.pid, { limits, kill });
  const ended = child.status.then(async ({ code, signal }): Promise<WorkerEnd> => {
    const reported = await reason.untilEnd();
    const over = watch.stop();
    const failed = signal !== null || (code !== EXIT.ok && code !== EXIT.interrupted);
    const cause = over ??
      (signal !== null
        ? `signal ${signal} ended the process`
        : failed
        ? reported || lastLine(log, before)
        : undefined);
    return { code, cause, overLimit: over !== undefined };
  });
  return { pid: child.pid, kill, ended };
}

/** Collects the text of a stream. `untilEnd` stops waiting if an orphaned process keeps the stream open. */
function textOf(stream: Deno.ChildProcess["stdout"]): { untilEnd: () => Promise<string> } {
  const reader = stream.getReader(), decoder = new TextDecoder();
  let text = "";
  const end = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
    }
  })().catch(() => {}); // the read was cancelled
  return {
    untilEnd: async () => {
      const timer = setTimeout(() => void reader.cancel(), REST);
      await end;
      clearTimeout(timer);
      return text.trim();
    },
  };
}

/** Stops a process that exceeds a limit. `stop` ends the polling and returns the exceeded limit. */
function watchLimits(
  pid: number,
  { limits, kill }: { limits: Limits; kill: (signal: Deno.Signal) => void },
): { stop: () => string | undefined } {
  const begin = performance.now();
  let over: string | undefined, end = Infinity;
  const poll = () => {
    const elapsed = performance.now() - begin;
    if (over !== undefined) {
      if (elapsed > end) kill("SIGKILL");
    } else if (limits.seconds !== undefined && elapsed > 1000 * limits.seconds) {
      over = `the run exceeded its time limit of ${formatDuration(limits.seconds)}`;
      end = elapsed + GRACE;
      kill("SIGTERM");
    } else if (limits.bytes !== undefined) {
      const bytes = residentBytes(pid) ?? 0;
      if (bytes <= limits.bytes) return;
      over = `the run used ${formatBytes(bytes)} of memory and exceeded its limit of ${
        formatBytes(limits.bytes)
      }`;
      kill("SIGKILL");
    }
  };
  const timer = limits.seconds === undefined && limits.bytes === undefined
    ? undefined
    : setInterval(poll, POLL_MS);
  return {
    stop() {
      clearInterval(timer);
      return over;
    },
  };
}

/** Returns the resident memory of a process in bytes, or undefined if it has ended or the system does not report it. */
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

/** Returns the last line of a log after its first `before` bytes. */
function lastLine(path: string, before: number): string {
  try {
    const text = new TextDecoder().decode(Deno.readFileSync(path).subarray(before));
    return text.trimEnd().split("\n").at(-1) || "the log has no message";
  } catch {
    return "the log has no message";
  }
}
