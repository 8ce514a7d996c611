/** `deno task run DIR --index`: executes one run of a plan, as a task of a cluster's job array. */
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { watchDeadline } from "../run/mod.ts";
import { indexOfCluster, plannedRunAt, runPlanned } from "../cluster/mod.ts";
import { command, runCommand, STATUS } from "./command.ts";
import { durationOption, numberOf } from "./numbers.ts";

/** Describes the values of `--deadline`. */
const DEADLINE = "a time such as 2026-11-30T18:00:00Z, or a duration from now such as 90m";

interface Options {
  index?: string | true;
  deadline?: string;
  margin?: number;
  allowEnvironmentChange?: boolean;
}

const program = command(
  "run",
  "Start or resume one run of a plan, as a job of a cluster. SIGTERM and SIGUSR1 stop it with a checkpoint.",
  {
    ...STATUS.done,
    ...STATUS.badInput,
    3: "the run failed",
    4: "the run diverged, and its spec does not allow that",
    75: "stopped with a checkpoint; repeat the command to resume",
  },
)
  .argument("<folder>", "a folder with a plan.json, written by cluster or sweep")
  .option(
    "--index [i]",
    "index of the run in the plan, from 0 (default: SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX)",
  )
  .option(
    "--deadline <when>",
    `time limit: ${DEADLINE} (default: SLURM_JOB_END_TIME, or none)`,
  )
  .option(
    "--margin <time>",
    "stop with a checkpoint this long before the deadline (default: 60s)",
    durationOption("--margin"),
  )
  .option(
    "--allow-environment-change",
    "resume a run that was started in a different environment (default: start over)",
  )
  .action(async (dir: string, { index, deadline, margin = 60, allowEnvironmentChange = false }: Options) => {
    if (index === undefined) {
      throw new UserError(
        "Cannot run: expected --index. Pass a number, or --index alone in a cluster's job array.",
      );
    }
    requireDevice();
    const run = plannedRunAt(
      dir,
      numberOf("--index", index === true ? indexOfCluster((name) => Deno.env.get(name)) : index),
    );
    const at = deadlineOf(deadline);
    using end = watchDeadline(at, { margin: 1000 * margin });
    using interruption = watchSignals();
    const late = end.reached.aborted;
    Deno.exitCode = await runPlanned(run, {
      dir,
      stop: AbortSignal.any([interruption.requested, end.reached]),
      allowEnvironmentChange,
      print: (line) => console.error(line),
    });
    if (late && Deno.exitCode === EXIT.interrupted) {
      console.error(
        `not started: the deadline, ${
          new Date(at).toISOString()
        }, minus the margin of ${margin} s, has passed. Choose a later deadline or a smaller --margin.`,
      );
    }
  });

/** Returns the deadline in milliseconds since 1970; Infinity: none. */
function deadlineOf(given: string | undefined): number {
  const granted = Number(Deno.env.get("SLURM_JOB_END_TIME") || Infinity); // in seconds
  if (given === undefined) return granted > 0 ? 1000 * granted : Infinity;
  if (!/^\d{4}-\d\d-\d\dT/.test(given)) {
    return Date.now() + 1000 * durationOption("--deadline", DEADLINE)(given);
  }
  const at = Date.parse(given);
  if (!Number.isNaN(at)) return at;
  throw new UserError(`Cannot use --deadline: expected ${DEADLINE}, got ${given}.`);
}

if (import.meta.main) await runCommand(program, Deno.args);
