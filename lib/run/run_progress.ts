/**
 * How far a recorded run has come.
 *
 * @module
 */
import { type Environment, type RecordedRun, seriesOf } from "../record/mod.ts";
import { changesThatMatter } from "./environment.ts";

/** How far a run has come. */
export interface RunProgress {
  /** 1: it is finished; otherwise 0. */
  readonly finished: number;
  /** The step of its last checkpoint, or of its best one where that is later; 0: it has none. */
  readonly checkpoint: number;
  /** Steps that are recorded. */
  readonly steps: number;
}

/** How far a run has come, as its journal says. */
export function progressOf(run: RecordedRun): RunProgress {
  const { steps: { length: steps }, others } = seriesOf(run);
  let checkpoint = 0;
  for (const event of others) {
    const isSaved = event.event === "checkpoint" || event.event === "best";
    if (isSaved && event.step <= steps) checkpoint = Math.max(checkpoint, event.step);
  }
  return { finished: Number(run.status === "finished"), checkpoint, steps };
}

/** What a sweep would do with a run that is recorded. */
export interface RunState {
  /** In words, such as `finished` or `goes on at step 50 of 100`. */
  readonly text: string;
  /** The share of its time that is still to be spent, from 0 (finished) to 1. */
  readonly left: number;
  /** What keeps its record from counting; undefined: nothing. */
  readonly changes: string | undefined;
}

/**
 * What a sweep would do with a recorded run: count it, go on with it, or run it again.
 *
 * @param run The run.
 * @param environment The environment as it is now.
 */
export function stateOf(run: RecordedRun, environment: Environment): RunState {
  const changes = changesThatMatter(run.manifest.environment, environment);
  if (changes !== undefined) return { text: "starts over", left: 1, changes };
  const { finished, checkpoint } = progressOf(run), { steps } = run.manifest.spec;
  if (finished) return { text: "finished", left: 0, changes };
  return { text: `goes on at step ${checkpoint} of ${steps}`, left: 1 - checkpoint / steps, changes };
}
