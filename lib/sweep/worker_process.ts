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
  /** Maximum duration of the run in seconds. Default: no limit. */
  readonly seconds?: number | undefined;
  /** Maximum resident memory in bytes. Default: no limit. */
  readonly bytes?: number | undefined;
}

/** Outcome of a run in a worker process. */
export interface WorkerEnd {
  /** Exit status. 128 plus the signal number if a signal ended the process. */
  readonly code: number;
  /** Reason for the failure. Undefined if the run did not fail. */
  readonly cause: string | undefined;
  /** True if the run was stopped because it exceeded a limit. */
  readonly overLimit: boolean;
}

/** A run that a worker process executes. */
export interface Worker {
  /** Process ID. */
  readonly pid: number;
  /** Sends a signal. Has no effect after the process has ended. */
  kill(signal: Deno.Signal): void;
  /** Promise of the outcome. */
  readonly ended: Promise<WorkerEnd>;
}

/** A process that waits for its next run. */
interface Waiting {
  readonly child: Deno.ChildProcess;
  readonly reports: Reports;
}

/** Options of a worker process. */
export interface WorkerOptions {
  /** The sweep's folder. */
  readonly dir: string;
  /** Resource limits of each run. */
  readonly limits: Limits;
  /** True to resume runs of another environment. */
  readonly allowEnvironmentChange: boolean;
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

/**
 * File on which a worker reports to the sweep. The worker writes one line per finished run, or the reason of a failure.
 */
export const REPORT_PATH = "/dev/fd/3";

const FINISHED_LINES = /^finished \w+\n/gm;

/** Returns the line that a worker reports after a finished run, before it waits for the next run. */
export function finishedLine(id: string): string {
  return `finished ${id}\n`;
}

/** Time to read the rest of a reported failure after the worker has ended, in milliseconds. */
const REST = 200;

/**
 * A process that executes runs one after the other. The process starts with its first run. After a finished run it
 * accepts another run, which saves the start of TensorFlow. Any other outcome ends the process, so that a failure
 * cannot affect later runs.
 */
export class WorkerProcess {
  readonly #options: WorkerOptions;
  #waiting: Waiting | undefined;

  /** Stores the options. The first call of {@linkcode run} starts the process. */
  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /**
   * Executes a run. Uses the waiting process if there is one, otherwise starts a new process.
   *
   * @throws {Error} If the run's folder is not writable, or is a link that leaves the sweep's folder.
   */
  run(id: string): Worker {
    const { dir, limits } = this.#options;
    const folder = runFolder(dir, id);
    requirePlace(folder);
    Deno.mkdirSync(folder, { recursive: true });
    const { log } = runPaths(folder);
    openOwnFile(log, { append: true }).close(); // refuses links, which the shell would follow
    const before = Deno.statSync(log).size;
    const { child, reports } = this.#waiting ?? this.#start(id, log);
    const accepted = this.#waiting === undefined ? undefined : send(child, id);
    this.#waiting = undefined;
    const kill = (signal: Deno.Signal) => {
      try {
        child.kill(signal);
      } catch {
        // The process has already ended.
      }
    };
    const watch = watchLimits(child.pid, { limits, kill });
    const end = async (): Promise<WorkerEnd> => {
      await accepted;
      const finished = reports.finished(id);
      await Promise.race([finished, child.status]);
      const over = watch.stop();
      if (reports.hasFinished(id)) {
        if (over === undefined) this.#keep({ child, reports });
        return { code: EXIT.ok, cause: over, overLimit: over !== undefined };
      }
      const { code, signal } = await child.status;
      const reported = await reports.rest();
      if (reports.hasFinished(id)) return { code: EXIT.ok, cause: undefined, overLimit: false };
      // Status 0 without a report: the process ended before the run.
      const failed = code !== EXIT.interrupted;
      const cause = over ??
        (signal !== null
          ? `signal ${signal} ended the process`
          : failed
          ? reported || (code === EXIT.ok ? "the process ended before the run" : lastLine(log, before))
          : undefined);
      return { code: code === EXIT.ok ? EXIT.someFailed : code, cause, overLimit: over !== undefined };
    };
    return { pid: child.pid, kill, ended: end() };
  }

  /** Ends the process if it waits for a run. */
  async end(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    const { child, reports } = waiting;
    await child.stdin.close().catch(() => {}); // the process has ended already
    await child.status;
    await reports.rest();
  }

  #keep(waiting: Waiting): void {
    this.#waiting = waiting;
    waiting.child.status.then(() => { // it was killed while it waited
      if (this.#waiting === waiting) this.#waiting = undefined;
    });
  }

  #start(id: string, log: string): Waiting {
    const { dir, allowEnvironmentChange } = this.#options;
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
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    return { child, reports: new Reports(child.stdout) };
  }
}

/** Sends the ID of the next run. A process that died while it waited is noticed by its status. */
async function send(child: Deno.ChildProcess, id: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(`${id}\n`));
  } catch {
    // The process has ended.
  } finally {
    writer.releaseLock();
  }
}

/** The reports of a process. */
class Reports {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #end: Promise<void>;
  #text = "";
  #onText = () => {};

  /** Starts to read. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#end = this.#read().catch(() => {}); // the read was canceled
  }

  /** Returns true if the process has reported a finished run. */
  hasFinished(id: string): boolean {
    return this.#text.includes(finishedLine(id));
  }

  /** Resolves once the process has reported a finished run. Never resolves if it does not. */
  async finished(id: string): Promise<void> {
    while (!this.hasFinished(id)) await new Promise<void>((resolve) => this.#onText = resolve);
  }

  /** Returns the text since the last finished run, once the process has ended. An orphaned process may keep the stream open. */
  async rest(): Promise<string> {
    const timer = setTimeout(() => void this.#reader.cancel(), REST);
    await this.#end;
    clearTimeout(timer);
    return this.#text.replace(FINISHED_LINES, "").trim();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return;
      this.#text += decoder.decode(value, { stream: true });
      this.#onText();
    }
  }
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
