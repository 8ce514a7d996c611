/**
 * Order of the events in a journal. A lost, copied or moved line leaves only valid lines, so that only the order shows
 * the damage.
 *
 * @module
 */
import type { RunEvent } from "./event.ts";

/** The run to which a journal must belong. Undefined fields are not checked. */
export interface ExpectedRun {
  /** Run ID. */
  readonly runId?: string | undefined;
  /** Number of steps in the run's spec. Only early stopping ends a run earlier. */
  readonly steps?: number | undefined;
}

/** Checks the events of a journal one after another. */
export class EventOrder {
  readonly #expected: ExpectedRun;
  #begun = false;
  #finished = false;
  /** Last step so far. */
  #last = 0;
  /** Number of events so far. */
  #events = 0;
  /** Steps with an evaluation, in order. */
  #evaluated: number[] = [];

  /**
   * Creates a checker for a journal that is read from the start.
   *
   * @param expected The run to which the journal must belong.
   */
  constructor(expected: ExpectedRun) {
    this.#expected = expected;
  }

  /**
   * Checks the next event. Returns a description of the problem, or undefined if the event may follow the previous
   * events.
   */
  problemOf(event: RunEvent): string | undefined {
    const isFirst = !this.#begun, last = this.#last, before = this.#events++;
    this.#begun = true;
    if (isFirst !== (event.event === "start")) {
      return isFirst
        ? `expected start as the first event, got ${event.event}`
        : "expected start only as the first event";
    }
    if (this.#finished && event.event !== "resume") {
      return `expected no event after finish, got ${event.event}`;
    }
    switch (event.event) {
      case "start": {
        const { runId = event.runId } = this.#expected;
        return event.runId === runId
          ? undefined
          : `expected the journal of run ${runId}, got that of run ${event.runId}`;
      }
      case "step":
        this.#last = event.step;
        return event.step === last + 1
          ? undefined
          : `expected step ${last + 1} after step ${last}, got step ${event.step}`;
      case "resume":
        this.#last = event.step;
        this.#finished = false;
        this.#evaluated = this.#evaluated.filter((step) => step <= event.step);
        return event.step <= last
          ? undefined
          : `expected a resume from step ${last} or earlier, got step ${event.step}`;
      case "eval": {
        const isRepeated = this.#evaluated.at(-1) === event.step;
        this.#evaluated.push(event.step);
        if (isRepeated) return `expected one evaluation of step ${event.step}, got another`;
        return this.#atLast(event);
      }
      case "best":
      case "checkpoint": // an earlier step's, if the event was lost and is added after a resume
        return event.step <= last ? undefined : this.#atLast(event);
      case "finish": {
        this.#finished = true;
        const { steps = last } = this.#expected, { events = before } = event;
        // A process that lost the run can add lines before the owner's first one, which supersedes them.
        if (before < events) return `expected ${events} events before finish, got ${before}`;
        return last === steps || event.stoppedEarly
          ? this.#atLast(event)
          : `expected finish after step ${steps}, the last step of the run, got it after step ${last}`;
      }
      case "nonFinite":
      case "fail":
        return undefined;
    }
  }

  #atLast({ event, step }: { event: string; step: number }): string | undefined {
    return step === this.#last ? undefined : `expected ${event} at step ${this.#last}, got step ${step}`;
  }
}
