/**
 * Journals of runs: one event per line, appended. Readers ignore an incomplete last line, which a killed writer leaves.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { namedFault, writing } from "../error/disk_fault.ts";
import { UserError } from "../error/user_error.ts";
import { openOwnFile } from "../file/own_file.ts";
import { readLines, type Rest } from "./_lines.ts";
import {
  type BestEvent,
  type EvalEvent,
  type FinishEvent,
  MEASUREMENTS,
  type NewEvent,
  type RunEvent,
  type StepEvent,
} from "./event.ts";
import { formatEvent, formatJson, hasChecksum, parseEvent } from "./event_line.ts";
import { EventOrder, type ExpectedRun } from "./_event_order.ts";
import { EventStore } from "./run_series.ts";

/** Content of a journal. */
export interface Journal {
  /** Events in order. */
  events: RunEvent[];
  /** Incomplete last line, which is not among the events. Undefined if the last line is complete. */
  dropped: string | undefined;
  /**
   * Number of lines that a process wrote after another process had taken the run over. These lines are not among the
   * events.
   */
  superseded: number;
  /** Largest generation of an event in the journal. 0 for an empty journal. */
  generation: number;
  /** Size of the complete lines in bytes. */
  validBytes: number;
}

/**
 * Reads a journal. An incomplete last line, which a killed writer leaves, is not an event.
 *
 * @param path The file. A missing file has no events.
 * @param expected The run to which the journal must belong. Default: any run.
 * @throws {UserError} If an event is invalid, missing, repeated or misplaced, or the journal belongs to another run.
 * The message names the file and the line.
 * @throws {UserError} If the file is unreadable.
 */
export function readJournal(path: string, expected?: ExpectedRun): Journal {
  const { store, ...rest } = scanJournal(path, expected);
  return { events: [...store], ...rest };
}

/** Content of a journal with its events stored by column. */
export type ScannedJournal = Omit<Journal, "events"> & {
  /** Stored events. */
  readonly store: EventStore;
};

/**
 * Reads a journal like {@linkcode readJournal}, but stores events by column, which takes less memory. The file is read
 * line by line.
 *
 * @throws {UserError} In the cases listed for {@linkcode readJournal}.
 */
export function scanJournal(path: string, expected: ExpectedRun = {}): ScannedJournal {
  const store = new EventStore(expected.steps), order = new EventOrder(expected);
  let generation = 0, superseded = 0, sealed = false;
  const take = (line: string, i: number) => {
    const parsed = parseEvent(line);
    const own = "event" in parsed ? parsed.event.generation ?? 1 : generation;
    if (own < generation) {
      superseded++;
      return;
    }
    generation = own;
    const before = i === 0 ? undefined : sealed;
    sealed = hasChecksum(line);
    const problem = "event" in parsed
      ? lostChecksum(parsed.event, { before, sealed }) ?? order.problemOf(parsed.event)
      : parsed.problem;
    if (!("event" in parsed) || problem !== undefined) {
      throw new UserError(
        `Cannot read the journal ${path}, line ${
          i + 1
        }: expected an event, got a line with an error: ${problem}. ` +
          "Restore the file from a copy, or delete the run's folder to run it again.",
      );
    }
    // No reader of events needs the generation.
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
  return new UserError(`Cannot read the journal ${path}: ${clauseOf(cause)}. Restore the file from a copy.`, {
    cause,
  });
}

/**
 * Describes a missing checksum. Only version 0.1 wrote lines without checksums. A later version appends to them only
 * after a resume or a failure, never a step or an evaluation.
 */
function lostChecksum(
  { event }: RunEvent,
  { before, sealed }: { before: boolean | undefined; sealed: boolean },
): string | undefined {
  if (before === true && !sealed) return "expected a checksum, as in the line before, got none";
  const follows = event === "step" || event === "eval";
  return before === false && sealed && follows
    ? "expected a checksum in the line before, got none"
    : undefined;
}

/** Describes a number of superseded lines, for example as `3 lines of a process that no longer owns the run`. */
export function supersededLines(count: number): string {
  return `${count} ${count === 1 ? "line" : "lines"} of a process that no longer owns the run`;
}

/** Owner of a journal: the process that may append events. */
export interface JournalOwner {
  /** Generation of the owner. Larger than all generations in the journal. Default: 1. */
  readonly generation?: number | undefined;
  /** Called before each change of the file. Throws if another process owns the run. */
  readonly requireOwned?: (() => void) | undefined;
}

/** Appends events to a journal. */
export class JournalWriter implements Disposable {
  readonly #owner: JournalOwner;
  readonly #path: string;
  readonly #file: Deno.FsFile;
  /** Second handle of the file for syncing. Deno cannot write to a handle during its sync. */
  readonly #synced: Deno.FsFile;
  #length: number;
  #events = 0;
  /** State of the background sync. `again`: lines were written since it started. */
  #sync: "none" | "running" | "again" = "none";
  #fault: { error: unknown } | undefined;

  /**
   * Opens a journal for appending.
   *
   * @param path The file. Created if it is missing.
   * @param validBytes Size to which the file is truncated: {@linkcode Journal.validBytes}, which excludes an incomplete
   * last line.
   * @param owner The owner. Default: the first process.
   * @throws {UserError} If the path is a link.
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
   * Appends one event with the time and the generation, in a single write.
   *
   * @throws {ClaimedError} If another process owns the run. Nothing is written.
   * @throws {UserError} If the disk is full or not writable, also if that was found by {@linkcode syncSoon}.
   * @throws {Error} If another system error occurs. No part of the line remains in the file.
   */
  write(event: NewEvent): RunEvent {
    const { generation = 1, requireOwned } = this.#owner;
    const later = generation > 1 && { generation };
    const timed = { ...event, ...later, time: new Date().toISOString() } as RunEvent;
    const bytes = new TextEncoder().encode(`${formatEvent(timed)}\n`);
    let written = 0;
    requireOwned?.();
    this.#requireSynced();
    try {
      while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
    } catch (error) {
      requireOwned?.(); // only the owner may truncate
      // Remove the incomplete line, so that the next event starts on a new line.
      this.#file.truncateSync(this.#length);
      throw namedFault(this.#path, error);
    }
    this.#length += bytes.length;
    this.#events++;
    return timed;
  }

  /** Number of events that this writer has written. */
  get events(): number {
    return this.#events;
  }

  /** Waits until all written events are on disk. */
  sync(): void {
    this.#requireSynced();
    writing(this.#path, () => this.#file.syncDataSync());
  }

  /**
   * Syncs the written events in the background, with one sync at a time: on a slow disk, events that are written during a
   * sync are synced together after it. The next {@linkcode write} or {@linkcode sync} throws if a sync failed.
   */
  syncSoon(): void {
    if (this.#sync !== "none") {
      this.#sync = "again";
      return;
    }
    this.#sync = "running";
    this.#synced.syncData().then(() => {
      const isStale = this.#sync === "again";
      this.#sync = "none";
      if (isStale) this.syncSoon();
    }, (error) => this.#fault ??= { error });
  }

  /** Throws the error of a failed background sync, once, so that the failure itself can be recorded after it. */
  #requireSynced(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw namedFault(this.#path, fault.error);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#sync = "none"; // a running sync starts no other
    this.#file.close();
    this.#synced.close();
  }
}

/**
 * Returns the steps and evaluations of a journal. Omits superseded events: those that a later `resume` event discards.
 */
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

/** Returns the `finish` event. Returns undefined if the run has not finished, or was resumed later. */
export function finishOf(events: readonly RunEvent[]): FinishEvent | undefined {
  const last = events.findLast(({ event }) => event === "finish" || event === "resume");
  return last?.event === "finish" ? last : undefined;
}

/** First difference between two journals. */
export interface Difference {
  /** Step at which the journals differ. Undefined if the difference belongs to no step. */
  step: number | undefined;
  /** Name of the field that differs. */
  field: string;
  /** Value in the first journal. Undefined if missing. */
  a: unknown;
  /** Value in the second journal. Undefined if missing. */
  b: unknown;
}

/** Fields that are not compared: measurements of the machine, and the number of events, which depends on interruptions. */
const NOT_COMPARED = new Set([...MEASUREMENTS, "events"]);

/**
 * Returns the first difference between two journals, or undefined if they are equal. Times, speeds, memory, superseded
 * events, and `resume`, `checkpoint` and `fail` events are not compared.
 */
export function compareJournals(a: readonly RunEvent[], b: readonly RunEvent[]): Difference | undefined {
  const [left, right] = [comparable(a), comparable(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x: Record<string, unknown> = { ...left[i] }, y: Record<string, unknown> = { ...right[i] };
    for (const field of new Set([...Object.keys(x), ...Object.keys(y)])) {
      if (NOT_COMPARED.has(field) || isSame(x[field], y[field])) continue;
      return { step: (x["step"] ?? y["step"]) as number | undefined, field, a: x[field], b: y[field] };
    }
  }
  return undefined;
}

/** Returns true if two values, or records of values, are bit-identical. */
function isSame(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || typeof a === "object" && typeof b === "object" && formatJson(a) === formatJson(b);
}

/** Order of the events of one step. */
const ORDER: readonly string[] = ["step", "eval", "best"];

/** Returns the `best` events that no `resume` supersedes, one per step. */
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

/** Returns events in a fixed order. */
function comparable(events: readonly RunEvent[]): RunEvent[] {
  const { steps, evals } = effectiveEvents(events);
  const timed = [...steps, ...evals, ...effectiveBests(events)].sort((x, y) =>
    x.step - y.step || ORDER.indexOf(x.event) - ORDER.indexOf(y.event)
  );
  const finish = finishOf(events);
  return finish === undefined ? timed : [...timed, finish];
}
