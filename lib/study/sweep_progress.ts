/**
 * Progress of a planned sweep, computed from its records: numbers of runs by state, active runs, and the remaining
 * time.
 *
 * @module
 */
import { plainText } from "../analysis/mod.ts";
import type { ReportProgress } from "../figure/mod.ts";
import { isClaimed, type RecordedRun, runFolder, runPaths, seriesOf } from "../record/mod.ts";
import { UserError } from "../error/user_error.ts";
import { type Plan, type PlannedRun, readPlan } from "../sweep/plan_file.ts";
import { describer } from "../sweep/sweep_view.ts";

/**
 * Returns the progress of a sweep's plan. Returns undefined if the plan is missing or damaged.
 *
 * The remaining time is the number of remaining tokens of runs that have not failed, divided by the speed of all active
 * runs. The speed of one run is its tokens per second so far, including evaluations.
 *
 * @param dir The sweep's folder.
 * @param runs Recorded runs of the folder.
 * @param warn Receives the reason if `plan.json` is damaged. Default: discards it.
 */
export function sweepProgress(
  dir: string,
  runs: readonly RecordedRun[],
  warn: (reason: string) => void = () => {},
): ReportProgress | undefined {
  const plan = intactPlan(dir, warn);
  if (plan === undefined) return undefined;
  const recorded = new Map(runs.map((run) => [run.manifest.runId, run]));
  const states = plan.runs.map((planned) => ({
    planned,
    run: recorded.get(planned.id),
    state: stateOf(dir, planned, recorded.get(planned.id)),
  }));
  const numberOf = (state: ReturnType<typeof stateOf>) => states.filter((one) => one.state === state).length;
  const name = describer(plan.runs);
  const active = states.filter(({ state }) => state === "running");
  const speed = tokensPerSecond(runs);
  const tokensLeft = (one: typeof states[number]) => {
    const { steps, B, T } = one.planned.spec;
    return one.state === "finished" || one.state === "failed"
      ? 0
      : Math.max(0, steps - stepsOf(one.run)) * B * T;
  };
  const left = states.reduce((sum, one) => sum + tokensLeft(one), 0);
  return {
    planned: plan.runs.length,
    finished: numberOf("finished"),
    failed: numberOf("failed"),
    secondsLeft: active.length === 0 || speed === undefined ? undefined : left / (speed * active.length),
    running: active.map((one) => ({
      id: one.planned.id,
      name: plainText(name(one.planned)),
      step: stepsOf(one.run),
      steps: one.planned.spec.steps,
      secondsLeft: speed === undefined ? undefined : tokensLeft(one) / speed,
    })),
  };
}

function intactPlan(dir: string, warn: (reason: string) => void): Plan | undefined {
  try {
    return readPlan(dir);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(error.message);
    return undefined;
  }
}

function stateOf(
  dir: string,
  { id }: PlannedRun,
  run: RecordedRun | undefined,
): "finished" | "running" | "failed" | "waiting" {
  if (run?.status === "finished") return "finished";
  if (isClaimed(runPaths(runFolder(dir, id)).claim)) return "running";
  return run?.status === "failed" ? "failed" : "waiting";
}

function stepsOf(run: RecordedRun | undefined): number {
  return run === undefined ? 0 : seriesOf(run).steps.length;
}

/** Returns tokens per second of a run, evaluations included. Undefined before the first step. */
function tokensPerSecond(runs: readonly RecordedRun[]): number | undefined {
  let tokens = 0, seconds = 0;
  for (const run of runs) {
    const { spec: { B, T } } = run.manifest, { steps, evals } = seriesOf(run);
    for (const speed of steps.tokensPerSecond) {
      if (!(speed > 0)) continue;
      tokens += B * T;
      seconds += B * T / speed;
    }
    for (const { seconds: more } of evals) seconds += more;
  }
  return tokens === 0 ? undefined : tokens / seconds;
}
