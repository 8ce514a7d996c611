/**
 * Progress of a recorded run.
 *
 * @module
 */
import { type Environment, type RecordedRun, seriesOf } from "../record/mod.ts";
import { changesThatMatter } from "./environment.ts";

/** Progress of a run. */
export interface RunProgress {
  /** 1 for a finished run, otherwise 0. */
  readonly finished: number;
  /** Step of the latest checkpoint, whether it is the last or the best checkpoint. 0 without a checkpoint. */
  readonly checkpoint: number;
  /** Number of recorded steps. */
  readonly steps: number;
}

/** Returns the progress of a run from its journal. */
export function progressOf(run: RecordedRun): RunProgress {
  const { steps: { length: steps }, others } = seriesOf(run);
  let checkpoint = 0;
  for (const event of others) {
    const isSaved = event.event === "checkpoint" || event.event === "best";
    if (isSaved && event.step <= steps) checkpoint = Math.max(checkpoint, event.step);
  }
  return { finished: Number(run.status === "finished"), checkpoint, steps };
}

/** The next action of a sweep for a recorded run: reuse, resume or start over. */
export interface RunState {
  /** Description of the action, such as `finished` or `resumes at step 50 of 100`. */
  readonly text: string;
  /** Share of the run's steps that remain to be trained, from 0 (finished) to 1. */
  readonly left: number;
  /** Changes of the environment because of which the run starts over. Undefined if there are none. */
  readonly changes: string | undefined;
}

/**
 * Returns the next action of a sweep for a recorded run.
 *
 * @param run The recorded run.
 * @param environment The current environment.
 */
export function stateOf(run: RecordedRun, environment: Environment): RunState {
  const changes = changesThatMatter(run.manifest.environment, environment);
  if (changes !== undefined) return { text: "starts over", left: 1, changes };
  const { finished, checkpoint } = progressOf(run), { steps } = run.manifest.spec;
  if (finished) return { text: "finished", left: 0, changes };
  return { text: `resumes at step ${checkpoint} of ${steps}`, left: 1 - checkpoint / steps, changes };
}
