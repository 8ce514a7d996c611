/**
 * Executes a plan's runs in several processes. One process executes runs with equal tensor shapes one after the other.
 * Finished runs are not repeated. A failed run does not stop the other runs.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { createLiveTable, type LiveTableOptions } from "../progress/live_table.ts";
import {
  ClaimedError,
  type Environment,
  isClaimed,
  readManifest,
  removeStaleClaim,
  requireRuns,
  runFolder,
  runPaths,
} from "../record/mod.ts";
import { fetchMissingLibrary } from "../tensorflow/native/fetch_library.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { probeEnvironment } from "../run/environment.ts";
import { completeMerges } from "../run/merge_place.ts";
import type { Plan, PlannedRun } from "./plan_file.ts";
import { modulesOf } from "../run/own_code.ts";
import { isFinished, recordFailedAttempt, setAside } from "./reuse.ts";
import type { Interruption } from "../error/signals.ts";
import { SweepView } from "./sweep_view.ts";
import { type Limits, type Worker, type WorkerOptions, WorkerProcess } from "./worker_process.ts";

/** A run that failed in this sweep. */
export interface FailedRun {
  /** ID of the run. */
  readonly id: string;
  /** Reason for the failure. */
  readonly reason: string;
  /** True if the loss became non-finite and the spec does not allow divergence. */
  readonly diverged: boolean;
}

/** Outcome of {@linkcode runSweep}. */
export interface SweepOutcome {
  /** Number of finished runs of the plan, including the reused runs. */
  readonly finished: number;
  /** Number of runs that were already finished when the sweep started. */
  readonly reused: number;
  /** Runs that failed in this sweep. */
  readonly failed: readonly FailedRun[];
  /** Reason why the sweep ended. `diverged`: a run diverged, and its spec does not allow divergence. */
  readonly ending: "done" | "some failed" | "diverged" | "interrupted";
  /** Exit status of a command for this ending. */
  readonly exitCode: number;
}

/** Exit status by ending. */
const EXIT_CODES = {
  "done": EXIT.ok,
  "some failed": EXIT.someFailed,
  "diverged": EXIT.diverged,
  "interrupted": EXIT.interrupted,
} as const satisfies Readonly<Record<SweepOutcome["ending"], number>>;

/** Options of {@linkcode runSweep}. */
export interface SweepOptions {
  /** The sweep's folder. */
  readonly dir: string;
  /** Number of concurrent runs. */
  readonly workers: number;
  /** Watch for signals that stop the sweep. */
  readonly interruption: Interruption;
  /** Number of retries of a run after a failure that may be temporary. Default: 1. */
  readonly retries?: number | undefined;
  /** Resource limits of each run. Default: none. */
  readonly limits?: Limits | undefined;
  /** True to reuse and resume runs that were computed in another environment. Default: false. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** Output of the progress display. Default: standard error, or the notebook. */
  readonly progress?: LiveTableOptions | undefined;
}

/** Maximum number of runs in one process, which bounds the memory that runs leave behind. */
const RUNS_PER_PROCESS = 16;

/** Fields without effect on the shapes of a run's tensors. */
const WITHOUT_SHAPES: ReadonlySet<string> = new Set(["seed", "lr", "minLr", "policy", "perturb", "reorder"]);

/** One of the concurrent runs, with its process. */
interface Slot {
  /** Shapes of its last run. */
  shapes: string | undefined;
  /** Number of runs that its process has executed. */
  runs: number;
  readonly process: WorkerProcess;
}

/** Returns a key that runs of equal shapes share. */
function shapesOf({ spec }: PlannedRun): string {
  return JSON.stringify(Object.entries(spec).filter(([field]) => !WITHOUT_SHAPES.has(field)));
}

/** Polling interval for journals and for runs owned by other sweeps, in milliseconds. */
const POLL_MS = 500;

/**
 * Executes the unfinished runs of a plan. If another sweep on the same folder owns a run, waits for that run.
 *
 * @throws {UserError} If `LOSSKIT_DEVICE` names an unknown or missing device, libtensorflow is missing and cannot be
 * fetched, or `runs` is not a folder inside the sweep's folder. No run has started then.
 */
export async function runSweep(plan: Plan, options: SweepOptions): Promise<SweepOutcome> {
  const device = requireDevice();
  requireRuns(options.dir);
  completeMerges(options.dir);
  await fetchMissingLibrary(device, options.interruption); // the output of workers is not visible
  return await new Sweep(plan, options).run();
}

/** Returns the message of a user error of some work; undefined if there is none. */
async function problemOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

class Sweep {
  readonly #plan: Plan;
  readonly #options: SweepOptions;
  readonly #view: SweepView;
  readonly #queue: PlannedRun[];
  /** Runs that were finished before. Their reuse depends on the environment. */
  #reused: PlannedRun[];
  #reusable: PlannedRun[];
  /** Runs with unreadable records. The records are kept, and the runs fail. */
  readonly #damaged: readonly { run: PlannedRun; damage?: string }[];
  readonly #held = new Set<PlannedRun>();
  readonly #going = new Map<string, Worker>();
  readonly #slots = new Set<Slot>();
  readonly #attempts = new Map<string, number>();
  readonly #failed: FailedRun[] = [];
  #checking: Promise<void> | undefined;

  constructor(plan: Plan, options: SweepOptions) {
    this.#plan = plan;
    this.#options = options;
    const states = plan.runs.map((run) => ({ run, ...this.#readStatus(run) }));
    this.#reused = states.filter(({ finished }) => finished).map(({ run }) => run);
    this.#queue = states.filter(({ finished, damage }) => !finished && damage === undefined).map(({ run }) =>
      run
    );
    this.#damaged = states.filter(({ damage }) => damage !== undefined);
    this.#reusable = options.allowEnvironmentChange ? [] : this.#reused;
    this.#view = new SweepView(
      plan,
      { dir: options.dir, finished: this.#reused },
      createLiveTable(options.progress),
    );
  }

  get #stopped(): boolean {
    return this.#options.interruption.requested.aborted;
  }

  async run(): Promise<SweepOutcome> {
    const { workers, interruption: { requested, insisted } } = this.#options;
    const total = this.#plan.runs.length;
    if (this.#reused.length > 0) {
      this.#view.log(`${this.#reused.length} of ${total} runs are already finished`);
    }
    for (const { run, damage } of this.#damaged) this.#fail(run, { reason: damage!, diverged: false });
    const signal = (name: Deno.Signal) => this.#going.forEach((worker) => worker.kill(name));
    const onRequest = () => {
      // Lines that fit narrow terminals.
      this.#view.log("stopping after the current steps");
      this.#view.log("Press Ctrl-C again to stop at once");
      this.#view.log("Repeat the command to resume");
      signal("SIGTERM");
    };
    const onInsistence = () => signal("SIGKILL");
    requested.addEventListener("abort", onRequest);
    insisted.addEventListener("abort", onInsistence);
    const timer = setInterval(() => this.#view.draw(this.#going, this.#failed.length), POLL_MS);
    try {
      await Promise.all(Array.from({ length: Math.max(1, workers) }, () => this.#work()));
    } finally {
      clearInterval(timer);
      requested.removeEventListener("abort", onRequest);
      insisted.removeEventListener("abort", onInsistence);
    }
    const ended = this.#plan.runs.filter((run) => this.#readStatus(run).finished);
    // A process that is killed at the end of its run leaves its claim.
    for (const { id } of ended) removeStaleClaim(runPaths(runFolder(this.#options.dir, id)).claim);
    const finished = ended.length;
    this.#view.finish(finished);
    const ending = this.#stopped && finished < total
      ? "interrupted"
      : this.#failed.some(({ diverged }) => diverged)
      ? "diverged"
      : this.#failed.length > 0
      ? "some failed"
      : "done";
    const exitCode = EXIT_CODES[ending];
    return { finished, reused: this.#reused.length, failed: this.#failed, ending, exitCode };
  }

  /** Returns the status of a run's record, and its damage if the record is unreadable. */
  #readStatus(run: PlannedRun): { finished: boolean; damage?: string } {
    try {
      return { finished: isFinished(this.#options.dir, run) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { finished: false, damage: error.message };
    }
  }

  /** Takes runs from the queue until none is left. */
  async #work(): Promise<void> {
    const slot: Slot = { shapes: undefined, runs: 0, process: new WorkerProcess(this.#workerOptions) };
    this.#slots.add(slot);
    try {
      await this.#workIn(slot);
    } finally {
      this.#slots.delete(slot);
      await slot.process.end();
    }
  }

  get #workerOptions(): WorkerOptions {
    const { dir, limits = {}, allowEnvironmentChange = false } = this.#options;
    return { dir, limits, allowEnvironmentChange };
  }

  async #workIn(slot: Slot): Promise<void> {
    while (!this.#stopped) {
      const run = this.#take(slot);
      if (run !== undefined) await this.#attempt(run, slot);
      else if (this.#reusable.length > 0 || this.#checking !== undefined) {
        await this.#check(await this.#environment());
      } else if (this.#held.size > 0) await this.#waitForHeld();
      else return; // leave runs owned by other processes
    }
  }

  /**
   * Takes a run from the queue. A run with the shapes of the slot's last run comes first, because its process has compiled
   * functions for them, then one whose shapes no other slot has.
   */
  #take(slot: Slot): PlannedRun | undefined {
    const taken = new Set([...this.#slots].filter((other) => other !== slot).map(({ shapes }) => shapes));
    const own = this.#queue.findIndex((run) => shapesOf(run) === slot.shapes);
    const free = own >= 0 ? own : this.#queue.findIndex((run) => !taken.has(shapesOf(run)));
    return this.#queue.splice(Math.max(0, free), 1)[0];
  }

  async #attempt(run: PlannedRun, slot: Slot): Promise<void> {
    const { dir, retries = 1, limits = {} } = this.#options;
    const shapes = shapesOf(run);
    // The memory limit of a run excludes what earlier runs left, and a user's module may keep state.
    const isAlone = limits.bytes !== undefined || modulesOf(run.spec).length > 0;
    if (shapes !== slot.shapes || slot.runs === RUNS_PER_PROCESS || isAlone) {
      await slot.process.end();
      slot.runs = 0;
    }
    slot.shapes = shapes;
    slot.runs++;
    const attempt = (this.#attempts.get(run.id) ?? 0) + 1;
    let worker: Worker;
    try {
      worker = slot.process.run(run.id);
    } catch (error) {
      return this.#fail(run, {
        reason: error instanceof Error ? error.message : String(error),
        diverged: false,
      });
    }
    this.#going.set(run.id, worker);
    if (this.#stopped) worker.kill("SIGTERM"); // the request arrived during the start
    const { code, cause, overLimit } = await worker.ended;
    this.#going.delete(run.id);
    if (code === EXIT.ok) {
      this.#view.done(run);
      if (this.#reusable.length > 0) await this.#check(this.#environmentOf(run));
      return;
    }
    if (this.#stopped) return;
    if (cause === undefined) { // status 75: another process owns it, or it was interrupted
      this.#held.add(run);
      return;
    }
    const reason = cause;
    this.#attempts.set(run.id, attempt);
    const final = code === EXIT.badInput || code === EXIT.diverged;
    const record = { id: run.id, cause: reason, attempt, attempts: retries + 1 };
    const unrecorded = final ? undefined : await problemOf(() => recordFailedAttempt(dir, record));
    if (unrecorded !== undefined) {
      return this.#fail(run, { reason: `${clauseOf(reason)}; ${unrecorded}`, diverged: false });
    }
    if (final || overLimit || attempt > retries) {
      return this.#fail(run, { reason, diverged: code === EXIT.diverged });
    }
    this.#view.log(
      `run ${run.id} (${this.#view.describe(run)}) failed: ${
        clauseOf(oneLine(reason))
      }; retry ${attempt} of ${retries}`,
    );
    this.#queue.unshift(run);
  }

  #fail(run: PlannedRun, { reason, diverged }: { reason: string; diverged: boolean }): void {
    this.#failed.push({ id: run.id, reason, diverged });
    this.#view.failed(run);
    this.#view.log(`run ${run.id} (${this.#view.describe(run)}) failed: ${oneLine(reason)}`);
  }

  /** Waits briefly, then requeues runs that other processes have finished or released. */
  async #waitForHeld(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS / 2));
    for (const run of [...this.#held]) {
      const { claim } = runPaths(runFolder(this.#options.dir, run.id));
      if (isClaimed(claim)) continue;
      if (!this.#held.delete(run)) continue; // another worker took it
      const { finished, damage } = this.#readStatus(run);
      if (finished) this.#view.done(run);
      else if (damage !== undefined) this.#fail(run, { reason: damage, diverged: false });
      else this.#queue.push(run);
    }
  }

  /** Returns the current environment if finished runs depend on it. */
  async #environment(): Promise<Environment | undefined> {
    return this.#reusable.length > 0 ? await probeEnvironment() : undefined;
  }

  #environmentOf(run: PlannedRun): Environment {
    return readManifest(runPaths(runFolder(this.#options.dir, run.id)).manifest).environment;
  }

  /**
   * Compares finished runs with the current environment, once. Moves those of another environment aside and reruns
   * them.
   */
  async #check(environment: Environment | undefined): Promise<void> {
    const runs = this.#reusable;
    this.#reusable = [];
    if (environment !== undefined && runs.length > 0) {
      this.#checking = (async () => {
        for (const run of runs) {
          await this.#recheck(run, environment);
        }
      })();
    }
    await this.#checking;
    this.#checking = undefined;
  }

  async #recheck(run: PlannedRun, environment: Environment): Promise<void> {
    let moved: string | undefined;
    try {
      moved = await setAside(this.#options.dir, { run, environment });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { message: reason } = error;
      if (!(error instanceof ClaimedError)) return this.#fail(run, { reason, diverged: false });
      this.#held.add(run); // another sweep is moving its record
      return;
    }
    if (moved === undefined) return;
    this.#view.log(`run ${run.id} is rerun: ${moved}; --allow-environment-change reuses such runs`);
    this.#reused = this.#reused.filter((other) => other !== run);
    this.#view.again(run);
    this.#queue.push(run);
  }
}

/** Returns a message as one line, for the log. */
function oneLine(message: string): string {
  return message.replaceAll(/\s*\n\s*/g, " ");
}
