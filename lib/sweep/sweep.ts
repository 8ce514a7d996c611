/**
 * Runs a plan: a process a run, some at once; what is finished is not repeated, and one failure stops no other.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { createLiveTable, type LiveTableOptions } from "../progress/live_table.ts";
import {
  ClaimedError,
  type Environment,
  isClaimed,
  readManifest,
  runFolder,
  runPaths,
} from "../record/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { probeEnvironment } from "../run/environment.ts";
import { completeMerges } from "../run/merge_place.ts";
import type { Plan, PlannedRun } from "./plan.ts";
import { isFinished, recordFailedAttempt, setAside } from "./reuse.ts";
import type { Interruption } from "../error/signals.ts";
import { describe, SweepView } from "./sweep_view.ts";
import { type Limits, startWorker, type Worker } from "./worker_process.ts";

/** A run that failed now. */
export interface FailedRun {
  /** The run. */
  readonly id: string;
  /** Why, in words. */
  readonly reason: string;
  /** Whether its loss was no number where its spec forbids that. */
  readonly diverged: boolean;
}

/** How a sweep ended. */
export interface SweepOutcome {
  /** Runs that are finished, earlier ones included. */
  readonly finished: number;
  /** Runs that were finished before. */
  readonly reused: number;
  /** Runs that failed now. */
  readonly failed: readonly FailedRun[];
  /** The status to end with. */
  readonly exitCode: number;
}

/** How a sweep is run. */
export interface SweepOptions {
  /** The sweep's folder. */
  readonly dir: string;
  /** Processes at once. */
  readonly workers: number;
  /** Signals. */
  readonly interruption: Interruption;
  /** How often a run that failed for a reason that may pass is tried again. Default: once. */
  readonly retries?: number | undefined;
  /** What each run may use. Default: no limits. */
  readonly limits?: Limits | undefined;
  /** Whether runs that another environment finished count, and those that it began are gone on with. Default: no. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** How progress is shown. */
  readonly progress?: LiveTableOptions | undefined;
}

/** Time between two looks at the journals, and at a run that another sweep works on, in milliseconds. */
const LOOK = 500;

/**
 * Runs what is left of a plan. Runs that another sweep on the same folder works on are waited for.
 *
 * @throws {UserError} before anything starts, for a device in `LOSSKIT_DEVICE` that is unknown or not on this machine.
 */
export async function runSweep(plan: Plan, options: SweepOptions): Promise<SweepOutcome> {
  requireDevice();
  completeMerges(options.dir);
  return await new Sweep(plan, options).run();
}

class Sweep {
  readonly #plan: Plan;
  readonly #options: SweepOptions;
  readonly #view: SweepView;
  readonly #queue: PlannedRun[];
  /** Finished before; whether they count is not known until the environment is. */
  #reused: PlannedRun[];
  #reusable: PlannedRun[];
  /** Runs whose record cannot be read: it is kept as it is, and they fail. */
  readonly #damaged: readonly { run: PlannedRun; damage?: string }[];
  readonly #held = new Set<PlannedRun>();
  readonly #going = new Map<string, Worker>();
  readonly #attempts = new Map<string, number>();
  readonly #failed: FailedRun[] = [];
  #checking: Promise<void> | undefined;

  constructor(plan: Plan, options: SweepOptions) {
    this.#plan = plan;
    this.#options = options;
    const states = plan.runs.map((run) => ({ run, ...this.#look(run) }));
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
      this.#view.log(`${this.#reused.length} of ${total} runs are finished already`);
    }
    for (const { run, damage } of this.#damaged) this.#fail(run, { reason: damage!, diverged: false });
    const signal = (name: Deno.Signal) => this.#going.forEach((worker) => worker.kill(name));
    const onRequest = () => {
      this.#view.log("stopping after the steps under way; the same command goes on from there");
      signal("SIGTERM");
    };
    const onInsistence = () => signal("SIGKILL");
    requested.addEventListener("abort", onRequest);
    insisted.addEventListener("abort", onInsistence);
    const timer = setInterval(() => this.#view.draw(this.#going, this.#failed.length), LOOK);
    try {
      await Promise.all(Array.from({ length: Math.max(1, workers) }, () => this.#work()));
    } finally {
      clearInterval(timer);
      requested.removeEventListener("abort", onRequest);
      insisted.removeEventListener("abort", onInsistence);
    }
    const finished = this.#plan.runs.filter((run) => this.#look(run).finished).length;
    this.#view.finish(finished);
    const exitCode = this.#stopped && finished < total
      ? EXIT.interrupted
      : this.#failed.some(({ diverged }) => diverged)
      ? EXIT.diverged
      : this.#failed.length > 0
      ? EXIT.someFailed
      : EXIT.ok;
    return { finished, reused: this.#reused.length, failed: this.#failed, exitCode };
  }

  /** Whether a run's record says that it is finished, or what keeps the record from being read. */
  #look({ id }: PlannedRun): { finished: boolean; damage?: string } {
    try {
      return { finished: isFinished(this.#options.dir, id) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { finished: false, damage: error.message };
    }
  }

  /** Takes runs until there are none: what one of the workers at once does. */
  async #work(): Promise<void> {
    while (!this.#stopped) {
      const run = this.#queue.shift();
      if (run !== undefined) await this.#attempt(run);
      else if (this.#reusable.length > 0 || this.#checking !== undefined) {
        await this.#check(await this.#environment());
      } else if (this.#held.size > 0) await this.#waitForHeld();
      else return; // what others are at, they go on with themselves
    }
  }

  async #attempt(run: PlannedRun): Promise<void> {
    const { dir, retries = 1, limits = {}, allowEnvironmentChange = false } = this.#options;
    const attempt = (this.#attempts.get(run.id) ?? 0) + 1;
    let worker: Worker;
    try {
      worker = startWorker(run.id, { dir, limits, allowEnvironmentChange });
    } catch (error) {
      return this.#fail(run, {
        reason: error instanceof Error ? error.message : String(error),
        diverged: false,
      });
    }
    this.#going.set(run.id, worker);
    if (this.#stopped) worker.kill("SIGTERM"); // it came while this one was started
    const { code, cause, overLimit } = await worker.ended;
    this.#going.delete(run.id);
    if (code === EXIT.ok) {
      this.#view.done(run);
      if (this.#reusable.length > 0) await this.#check(this.#environmentOf(run));
      return;
    }
    if (this.#stopped) return;
    if (cause === undefined) { // status 75: another process works on it, or it was asked to stop
      this.#held.add(run);
      return;
    }
    const reason = cause;
    this.#attempts.set(run.id, attempt);
    const final = code === EXIT.badInput || code === EXIT.diverged;
    if (!final) await recordFailedAttempt(dir, { id: run.id, cause: reason, attempt, attempts: retries + 1 });
    if (final || overLimit || attempt > retries) {
      return this.#fail(run, { reason, diverged: code === EXIT.diverged });
    }
    this.#view.log(
      `run ${run.id} (${describe(run)}) failed: ${reason}: trying again, ${attempt} of ${retries}`,
    );
    this.#queue.unshift(run);
  }

  #fail(run: PlannedRun, { reason, diverged }: { reason: string; diverged: boolean }): void {
    this.#failed.push({ id: run.id, reason, diverged });
    this.#view.failed(run);
    this.#view.log(`run ${run.id} (${describe(run)}) failed: ${reason}`);
  }

  /** Gives those that are held elsewhere a moment, and takes back those that are done or free. */
  async #waitForHeld(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LOOK / 2));
    for (const run of [...this.#held]) {
      const { claim } = runPaths(runFolder(this.#options.dir, run.id));
      if (isClaimed(claim)) continue;
      if (!this.#held.delete(run)) continue; // another of the workers took it
      const { finished, damage } = this.#look(run);
      if (finished) this.#view.done(run);
      else if (damage !== undefined) this.#fail(run, { reason: damage, diverged: false });
      else this.#queue.push(run);
    }
  }

  /** The environment as it is: as a run that just finished recorded it, or else by asking. */
  async #environment(): Promise<Environment | undefined> {
    return this.#reusable.length > 0 ? await probeEnvironment() : undefined;
  }

  #environmentOf(run: PlannedRun): Environment {
    return readManifest(runPaths(runFolder(this.#options.dir, run.id)).manifest).environment;
  }

  /** Holds finished runs against the environment, once; those of another one are moved aside and run again. */
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
      moved = await setAside(this.#options.dir, { id: run.id, environment });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { message: reason } = error;
      if (!(error instanceof ClaimedError)) return this.#fail(run, { reason, diverged: false });
      this.#held.add(run); // another sweep is moving it
      return;
    }
    if (moved === undefined) return;
    this.#view.log(`run ${run.id} runs again: ${moved}; --allow-environment-change would count it`);
    this.#reused = this.#reused.filter((other) => other !== run);
    this.#view.again(run);
    this.#queue.push(run);
  }
}
