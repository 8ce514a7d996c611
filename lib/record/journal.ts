/**
 * A run's journal: one event a line, appended; and its reading, whatever a killed writer left at its end.
 *
 * @module
 */
import { namedFault, writing } from "../error/disk_fault.ts";
import { UserError } from "../error/user_error.ts";
import { openOwnFile } from "../file/own_file.ts";
import { readLines, type Rest } from "./_lines.ts";
import {
  type BestEvent,
  type EvalEvent,
  formatEvent,
  formatJson,
  type NewEvent,
  parseEvent,
  type RunEvent,
  type StepEvent,
} from "./event.ts";
import { EventStore } from "./run_series.ts";

/** A journal as it was read. */
export interface Journal {
  /** Its events, in order. */
  events: RunEvent[];
  /** A half-written last line that was dropped. */
  dropped: string | undefined;
  /** Lines that a process wrote after another one had taken the run over. They are not among the events. */
  superseded: number;
  /** The greatest generation among the lines; 0: there is none. */
  generation: number;
  /** Bytes of the whole lines. */
  validBytes: number;
}

/**
 * Reads a journal. A last line without its end is what a killed writer leaves: it is dropped, and told.
 *
 * @param path The file; a missing one has no events.
 * @param runId The run that it must be of. Default: any.
 * @throws {UserError} for damage anywhere else, naming file and line: a line that is no event, steps that are missing, or
 * another run's journal.
 * @throws {UserError} for a file that cannot be read.
 */
export function readJournal(path: string, runId?: string): Journal {
  const { store, ...rest } = scanJournal(path, runId);
  return { events: [...store], ...rest };
}

/** A journal whose events are held by column. */
export type ScannedJournal = Omit<Journal, "events"> & {
  /** Its events. */
  readonly store: EventStore;
};

/**
 * Reads a journal as {@linkcode readJournal} does, in bounded memory: neither the file nor an object an event is held.
 *
 * @throws {UserError} as {@linkcode readJournal}.
 */
export function scanJournal(path: string, runId?: string): ScannedJournal {
  const store = new EventStore();
  let last = 0; // the step that the journal has come to
  let generation = 0, superseded = 0;
  const take = (line: string, i: number) => {
    const parsed = parseEvent(line);
    const own = "event" in parsed ? parsed.event.generation ?? 1 : generation;
    if (own < generation) {
      superseded++;
      return;
    }
    generation = own;
    const problem = "event" in parsed
      ? misplaced(parsed.event, { first: i === 0, last, runId })
      : parsed.problem;
    if (!("event" in parsed) || problem !== undefined) {
      throw new UserError(
        `Cannot read the journal ${path}, line ${i + 1}: wanted an event: ${problem}. ` +
          "Restore the file from a copy, or delete the run's folder to have it run again.",
      );
    }
    if (parsed.event.event === "step" || parsed.event.event === "resume") last = parsed.event.step;
    // No reader of events needs it.
    if (parsed.event.generation !== undefined) delete (parsed.event as { generation?: number }).generation;
    store.add(parsed.event);
  };
  let rest: Rest = { tail: "", validBytes: 0 };
  try {
    rest = readLines(path, take);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (!(error instanceof Deno.errors.NotFound)) throw unreadable(path, error);
  }
  const { tail, validBytes } = rest;
  return { store, dropped: tail === "" ? undefined : tail, superseded, generation, validBytes };
}

function unreadable(path: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : cause;
  return new UserError(`Cannot read the journal ${path}: ${reason}. Restore the file from a copy.`, {
    cause,
  });
}

/** What is wrong with an event's place: lines that are lost leave only whole ones behind. */
function misplaced(
  event: RunEvent,
  at: { first: boolean; last: number; runId: string | undefined },
): string | undefined {
  if (at.first !== (event.event === "start")) {
    return at.first ? `a journal begins with start: given ${event.event}` : "start is no first line";
  }
  if (event.event === "start" && at.runId !== undefined && event.runId !== at.runId) {
    return `it is of run ${at.runId}: given the journal of run ${event.runId}`;
  }
  if (event.event === "step" && event.step !== at.last + 1) {
    return `after step ${at.last} comes step ${at.last + 1}: given step ${event.step}`;
  }
  if (event.event === "resume" && event.step > at.last) {
    return `resume goes back to step ${at.last} at most: given step ${event.step}`;
  }
  return undefined;
}

/** Returns how many lines a superseded process wrote, in words. */
export function supersededLines(count: number): string {
  return `${count} ${count === 1 ? "line" : "lines"} of a process that no longer owns the run`;
}

/** Who writes to a journal. */
export interface JournalOwner {
  /** The owner's generation: greater than those of the journal's lines. Default: 1. */
  readonly generation?: number | undefined;
  /** Called before each change of the file; throws when another process owns the run. */
  readonly requireOwned?: (() => void) | undefined;
}

/** Appends events to a journal. */
export class JournalWriter implements Disposable {
  readonly #owner: JournalOwner;
  readonly #path: string;
  readonly #file: Deno.FsFile;
  /** The same file, for syncing: one that is being synced cannot be written to in Deno. */
  readonly #synced: Deno.FsFile;
  #length: number;

  /**
   * Opens a journal to go on with.
   *
   * @param path The file, made when missing.
   * @param validBytes What to keep of it: {@linkcode Journal.validBytes}, so that a half-written line is gone.
   * @param owner Who writes. Default: the first process.
   * @throws {UserError} when a link is at the path.
   */
  constructor(path: string, validBytes: number, owner: JournalOwner = {}) {
    this.#owner = owner;
    this.#path = path;
    this.#file = openOwnFile(path, { append: true });
    try {
      owner.requireOwned?.();
      this.#file.truncateSync(validBytes);
      this.#synced = openOwnFile(path);
    } catch (error) {
      this.#file.close();
      throw error;
    }
    this.#length = validBytes;
  }

  /**
   * Appends one event, in one write, with time and generation.
   *
   * @throws {ClaimedError} when another process owns the run; nothing is written then.
   * @throws {UserError} when the disk is full or takes no writes.
   * @throws {Error} what the system says otherwise; no part of the line is left then.
   */
  write(event: NewEvent): RunEvent {
    const { generation = 1, requireOwned } = this.#owner;
    const later = generation > 1 && { generation };
    const timed = { ...event, ...later, time: new Date().toISOString() } as RunEvent;
    const bytes = new TextEncoder().encode(`${formatEvent(timed)}\n`);
    let written = 0;
    requireOwned?.();
    try {
      while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
    } catch (error) {
      requireOwned?.(); // the length is another process's to change by now
      // What comes next shall not stand behind half a line.
      this.#file.truncateSync(this.#length);
      throw namedFault(this.#path, error);
    }
    this.#length += bytes.length;
    return timed;
  }

  /** Waits until the disk has what was written. */
  sync(): void {
    writing(this.#path, () => this.#file.syncDataSync());
  }

  /** Has the disk take what was written while the caller goes on; the promise says when it has, or that it could not. */
  syncSoon(): Promise<void> {
    const done = this.#synced.syncData().catch((error) => {
      throw namedFault(this.#path, error);
    });
    done.catch(() => {}); // told to whoever awaits it
    return done;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    this.#synced.close();
  }
}

/** Steps and evaluations as they count in the end: what a `resume` supersedes is left out. */
export function effectiveEvents(events: readonly RunEvent[]): { steps: StepEvent[]; evals: EvalEvent[] } {
  let steps: StepEvent[] = [], evals: EvalEvent[] = [];
  for (const event of events) {
    if (event.event === "resume") {
      steps = steps.filter(({ step }) => step <= event.step);
      evals = evals.filter(({ step }) => step <= event.step);
    } else if (event.event === "step") steps.push(event);
    else if (event.event === "eval") evals.push(event);
  }
  return { steps, evals };
}

/** Where two journals part. */
export interface Difference {
  /** The step; undefined: not at a step. */
  step: number | undefined;
  /** The field that differs, and both values. */
  field: string;
  /** The first journal's value; undefined: it has none. */
  a: unknown;
  /** The second journal's value; undefined: it has none. */
  b: unknown;
}

/** Fields that measure the machine, not the run. */
const MEASURED = new Set(["time", "tokensPerSecond", "seconds"]);

/**
 * The first difference of two journals by the contract's equality: everything but measured times and speeds, and
 * `resume`, `checkpoint` and `fail` events.
 */
export function compareJournals(a: readonly RunEvent[], b: readonly RunEvent[]): Difference | undefined {
  const [left, right] = [comparable(a), comparable(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = (left[i] ?? {}) as Record<string, unknown>, y = (right[i] ?? {}) as Record<string, unknown>;
    for (const field of new Set([...Object.keys(x), ...Object.keys(y)])) {
      if (MEASURED.has(field) || isSame(x[field], y[field])) continue;
      return { step: (x["step"] ?? y["step"]) as number | undefined, field, a: x[field], b: y[field] };
    }
  }
  return undefined;
}

/** Whether two figures, or records of figures, are the same to the last bit. */
function isSame(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || typeof a === "object" && typeof b === "object" && formatJson(a) === formatJson(b);
}

/** The order of events of one step. */
const ORDER: readonly string[] = ["step", "eval", "best"];

/** Best evaluations that no `resume` supersedes, one a step. */
function effectiveBests(events: readonly RunEvent[]): BestEvent[] {
  const bests = new Map<number, BestEvent>();
  for (const event of events) {
    if (event.event === "best") bests.set(event.step, event);
    else if (event.event === "resume") {
      for (const step of bests.keys()) if (step > event.step) bests.delete(step);
    }
  }
  return [...bests.values()];
}

/** Events in a fixed order. */
function comparable(events: readonly RunEvent[]): RunEvent[] {
  const { steps, evals } = effectiveEvents(events);
  const timed = [...steps, ...evals, ...effectiveBests(events)].sort((x, y) =>
    x.step - y.step || ORDER.indexOf(x.event) - ORDER.indexOf(y.event)
  );
  return [...timed, ...events.filter((event) => event.event === "finish")];
}
