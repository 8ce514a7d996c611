/** `deno task run DIR --index`: one run of a plan, as a job of a cluster's array. */
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { watchDeadline } from "../run/mod.ts";
import { indexOfCluster, plannedRunAt, runPlanned } from "../cluster/mod.ts";
import { command, runCommand } from "./command.ts";
import { durationOption, numberOf } from "./numbers.ts";

/** What a deadline may be. */
const DEADLINE = "a time such as 2026-11-30T18:00:00Z, or one from now such as 90m";

interface Options {
  index?: string | true;
  deadline?: string;
  margin: number;
  allowEnvironmentChange?: boolean;
}

const program = command("run", "Runs one run of a plan, or goes on with it; SIGTERM and SIGUSR1 stop it.")
  .argument("<folder>", "a folder with a plan.json, as cluster or sweep makes it")
  .option(
    "--index [i]",
    "which one, from 0 (default: what SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX says)",
  )
  .option(
    "--deadline <when>",
    `when all must be over: ${DEADLINE} (default: Slurm's SLURM_JOB_END_TIME, or none)`,
  )
  .option(
    "--margin <time>",
    "how long before the deadline it stops, with a checkpoint (default: 60s)",
    durationOption("--margin"),
    60,
  )
  .option(
    "--allow-environment-change",
    "go on with what another environment began, in place of starting over",
  )
  .action(async (dir: string, { index, deadline, margin, allowEnvironmentChange = false }: Options) => {
    if (index === undefined) {
      throw new UserError("Cannot run: wanted --index, with a number or without where a cluster gives it");
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
        `not begun: the deadline, ${
          new Date(at).toISOString()
        }, less the margin of ${margin} s, has passed ` +
          "already; give a later one, or a smaller --margin",
      );
    }
  });

/** A deadline in milliseconds since 1970. */
function deadlineOf(given: string | undefined): number {
  const granted = Number(Deno.env.get("SLURM_JOB_END_TIME") || Infinity); // in seconds
  if (given === undefined) return granted > 0 ? 1000 * granted : Infinity;
  if (!/^\d{4}-\d\d-\d\dT/.test(given)) {
    return Date.now() + 1000 * durationOption("--deadline", DEADLINE)(given);
  }
  const at = Date.parse(given);
  if (!Number.isNaN(at)) return at;
  throw new UserError(`Cannot use --deadline: it must be ${DEADLINE}: it is ${given}`);
}

if (import.meta.main) await runCommand(program, Deno.args);
