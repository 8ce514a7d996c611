/** `deno task run DIR --index`: executes one run of a plan, as a task of a cluster's job array. */
import type { Command } from "commander";
import { watchSignals } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { runAt } from "../cluster/mod.ts";
import { command, runCommand, STATUS } from "./command.ts";
import { RECORDED_CODE_HELP } from "./model_flags.ts";
import { durationOption, numberOf } from "./numbers.ts";

/** Describes the values of `--deadline`. */
const DEADLINE = "a time such as 2026-11-30T18:00:00Z, or a duration from now such as 90m";

interface Options {
  index?: string | true;
  deadline?: string;
  margin?: number;
  allowEnvironmentChange?: boolean;
  runRecordedCode?: boolean;
}

export const program: Command = command(
  "run",
  "Start or resume one run of a plan in a cluster job. On SIGTERM or SIGUSR1, the run writes a checkpoint and stops.",
  {
    ...STATUS.done,
    ...STATUS.badInput,
    3: "the run failed",
    4: "the run diverged and allowDivergence is false",
    75: "stopped with a checkpoint; repeat the command to resume",
  },
)
  .argument("<folder>", "a folder with a plan.json, written by cluster or sweep")
  .option(
    "--index [i]",
    "required: index of the run in the plan, from 0. --index without a number reads SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX",
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
    "resume a run that was started in a different environment, such as another CPU model (default: start over)",
  )
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .action(
    async (dir: string, { index, deadline, margin, allowEnvironmentChange, runRecordedCode }: Options) => {
      if (index === undefined) {
        throw new UserError(
          "Cannot run: expected --index. Pass a number, or --index alone in a cluster's job array.",
        );
      }
      using interruption = watchSignals();
      Deno.exitCode = await runAt(dir, {
        index: index === true ? undefined : numberOf("--index", index),
        deadline: deadline === undefined ? undefined : timeOf(deadline),
        ...{ margin, allowEnvironmentChange, runRecordedCode, signal: interruption.requested },
      });
    },
  );

/** Returns a time in milliseconds since 1970. */
function timeOf(text: string): number {
  if (!/^\d{4}-\d\d-\d\dT/.test(text)) {
    return Date.now() + 1000 * durationOption("--deadline", DEADLINE)(text);
  }
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new UserError(`Cannot use --deadline: expected ${DEADLINE}, got ${text}.`);
}

if (import.meta.main) await runCommand(program, Deno.args);
