/**
 * The process of one run: `worker.ts SWEEP_DIR RUN_ID [--allow-environment-change]`. What it prints is the run's log.
 *
 * Where the variable LOSSKIT_SWEEP names the process that started it, it stops when that is gone: a run that nobody waits
 * for shall not go on unseen.
 *
 * @module
 */
import { namedFault } from "../error/disk_fault.ts";
import { guardConsole } from "../error/printable.ts";
import { UserError } from "../error/user_error.ts";
import { ClaimedError, runFolder } from "../record/mod.ts";
import { executeRun } from "../run/execute.ts";
import { libHash, readPlan } from "./plan.ts";
import { REASON_PATH } from "./worker_process.ts";
import { watchSignals } from "../error/signals.ts";

/** Status of a worker whose run failed for a reason that may pass; the sweep tries again. */
const FAILED = 1;

/** Time between two looks for the sweep, in milliseconds. */
const LOOK = 500;

async function main(dir: string, id: string, flags: readonly string[]): Promise<number> {
  const plan = readPlan(dir);
  const run = plan?.runs.find((run) => run.id === id);
  if (plan === undefined || run === undefined) {
    throw new UserError(`Cannot run ${id}: it is not in the plan of ${dir}`);
  }
  if (plan.libSha256 !== libHash()) {
    throw new UserError(
      `Cannot run ${id}: the plan of ${dir} was made by another version of the code in lib/. ` +
        "Choose another folder with --out.",
    );
  }
  using interruption = watchSignals();
  return await executeRun({ spec: run.spec, data: plan.data, libSha256: plan.libSha256 }, {
    folder: runFolder(dir, id),
    signal: AbortSignal.any([interruption.requested, sweepIsGone()]),
    print: log,
    allowEnvironmentChange: flags.includes("--allow-environment-change"),
  });
}

/** Aborted once the sweep that started this process is no longer its parent. */
function sweepIsGone(): AbortSignal {
  const gone = new AbortController();
  const sweep = Number(Deno.env.get("LOSSKIT_SWEEP") ?? Deno.ppid);
  const timer = setInterval(() => Deno.ppid === sweep || gone.abort(), LOOK);
  timer.unref();
  return gone.signal;
}

/** Writes to the run's log, where its disk still takes it. */
function log(...values: unknown[]): void {
  try {
    console.error(...values);
  } catch {
    // A full disk: what matters fails and is told elsewhere.
  }
}

/** Tells why the run failed: in its log, and to the sweep, which may be all that still can take it. */
function tell(reason: string): void {
  log(reason);
  if (Deno.env.get("LOSSKIT_SWEEP") === undefined) return;
  try {
    Deno.writeTextFileSync(REASON_PATH, reason);
  } catch {
    // The sweep is gone.
  }
}

if (import.meta.main) {
  guardConsole(); // its log is read on terminals
  const [dir = "", id = "", ...flags] = Deno.args;
  try {
    Deno.exitCode = await main(dir, id, flags);
  } catch (thrown) {
    const error = namedFault(runFolder(dir, id), thrown); // a fault that lasts is no reason to try again
    if (error instanceof UserError) {
      if (!(error instanceof ClaimedError)) tell(error.message); // the log is the other process's
      Deno.exitCode = error.exitCode;
    } else {
      log(error);
      tell(error instanceof Error ? error.message : String(error));
      Deno.exitCode = FAILED;
    }
  }
}
