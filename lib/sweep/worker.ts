/**
 * Process of one or more runs: `worker.ts SWEEP_DIR RUN_ID [--allow-environment-change]`. The output of the process is
 * appended to the log of the current run. After a finished run, the process reports to the sweep, and reads the ID of
 * the next run from standard input, one ID per line. The process ends at the end of the input, and after any other
 * outcome.
 *
 * The variable LOSSKIT_SWEEP holds the process ID of the sweep. Orphaned workers exit.
 *
 * @module
 */
import { namedFault } from "../error/disk_fault.ts";
import { guardConsole } from "../error/printable.ts";
import { exitNow, handleUserFaults } from "../error/user_code.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { ClaimedError, runFolder, runPaths, sourcesHash } from "../record/mod.ts";
import { endWithParent } from "../run/end_with_parent.ts";
import { executeRun } from "../run/execute.ts";
import { modulesOf } from "../run/own_code.ts";
import { readPlan } from "./plan_file.ts";
import { finishedLine, REPORT_PATH } from "./worker_process.ts";
import { appendOutputTo } from "../tensorflow/native/output.ts";
import { watchSignals } from "../error/signals.ts";

/** Exit status of a failure that may be temporary. The sweep retries the run. */
const FAILED = 1;

/** Time for the current step and a checkpoint after the sweep has exited, in milliseconds. */
const GRACE = 60_000;

/** Polling interval for the parent process, in milliseconds. */
const POLL_MS = 500;

async function main(dir: string, id: string, flags: readonly string[]): Promise<number> {
  const plan = readPlan(dir);
  const run = plan?.runs.find((run) => run.id === id);
  if (plan === undefined || run === undefined) {
    throw new UserError(`Cannot run ${id}: expected a run in the plan of ${dir}, got an unknown ID`);
  }
  if (plan.libSha256 !== sourcesHash()) {
    throw new UserError(
      `Cannot run ${id}: expected a plan of this checkout's code, got a plan of another version in ${dir}. ` +
        "Choose another folder with --out.",
    );
  }
  if (modulesOf(run.spec).length > 0) endWithParent(GRACE);
  using interruption = watchSignals();
  using gone = sweepIsGone();
  return await executeRun({ spec: run.spec, data: plan.data, libSha256: plan.libSha256 }, {
    folder: runFolder(dir, id),
    signal: AbortSignal.any([interruption.requested, gone.signal]),
    print: log,
    allowEnvironmentChange: flags.includes("--allow-environment-change"),
  });
}

/** Returns a signal that aborts once the sweep is no longer the parent process. */
function sweepIsGone(): Disposable & { signal: AbortSignal } {
  const gone = new AbortController();
  const sweep = Number(Deno.env.get("LOSSKIT_SWEEP") ?? Deno.ppid);
  const timer = setInterval(() => Deno.ppid === sweep || gone.abort(), POLL_MS);
  timer.unref();
  return { signal: gone.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Writes to the run's log if its disk accepts more data. */
function log(...values: unknown[]): void {
  try {
    console.error(...values);
  } catch {
    // Full disk: errors that matter are reported elsewhere.
  }
}

/** Reports the reason of a failure to the log and to the sweep. The log may be unwritable. */
function reportFailure(reason: string): void {
  log(reason);
  report(reason);
}

/** Writes to the sweep, if a sweep started this process. */
function report(text: string): void {
  if (Deno.env.get("LOSSKIT_SWEEP") === undefined) return;
  try {
    Deno.writeTextFileSync(REPORT_PATH, text);
  } catch {
    // The sweep has exited.
  }
}

/** Executes a run and reports a failure. Returns the exit status. */
async function attempt(dir: string, id: string, flags: readonly string[]): Promise<number> {
  try {
    return await main(dir, id, flags);
  } catch (thrown) {
    const error = namedFault(runFolder(dir, id), thrown); // permanent faults are not retried
    if (error instanceof UserError) {
      if (!(error instanceof ClaimedError)) reportFailure(error.message); // the other process owns the log
      return error.exitCode;
    }
    log(error);
    reportFailure(error instanceof Error ? error.message : String(error));
    return FAILED;
  }
}

/** Returns the ID of the next run, which the sweep sends as one short line. Undefined at the end of the input. */
async function nextId(): Promise<string | undefined> {
  const bytes = new Uint8Array(64);
  const count = await Deno.stdin.read(bytes);
  return count === null ? undefined : new TextDecoder().decode(bytes.subarray(0, count)).trim();
}

if (import.meta.main) {
  guardConsole(); // its log is read on terminals
  handleUserFaults(); // the run checks for them
  const [dir = "", first = "", ...flags] = Deno.args;
  for (let id: string | undefined = first; id !== undefined;) {
    Deno.exitCode = await attempt(dir, id, flags);
    if (Deno.exitCode !== EXIT.ok) break;
    report(finishedLine(id));
    id = await nextId();
    if (id !== undefined) appendOutputTo(runPaths(runFolder(dir, id)).log);
  }
  exitNow(Deno.exitCode); // the watch of the parent, and timers and servers of a module, may still run
}
