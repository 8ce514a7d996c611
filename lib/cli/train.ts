/** `deno task train`: trains one model. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { describeRun, recordRun, type RunSpecInput } from "../study/mod.ts";
import { command, printNote, printText, reportDamage, runCommand, TRAINING_STATUSES } from "./command.ts";
import { RECORDED_CODE_HELP } from "./model_flags.ts";
import { trainDefault } from "./run_defaults.ts";
import { COMMAND_LINE, namingFlags } from "./named_flags.ts";
import { addRunFlags, runFieldsOf } from "./run_flags.ts";

export const program: Command = command("train", "Train one model and record the run.", {
  ...TRAINING_STATUSES,
  3: "the run failed, or a recorded run is damaged",
})
  .option(
    "--out <folder>",
    "folder of run and report (default: experiments/out/train, or train-HASH if that folder contains a different run)",
  )
  .option("--describe", "print the model's layers, parameters and FLOPs, without training")
  .option(
    "--resume",
    "resume the run in --out. Its plan.json contains the other options, which need not be repeated. Without a plan, start a new run",
  )
  .option(
    "--allow-environment-change",
    "reuse or resume a run that was computed in a different environment, for example with another CPU model or TensorFlow version (default: run it again)",
  )
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .action(train);
addRunFlags(program, { defaultOf: trainDefault });

/** Options of the command, including the fields of a run. */
interface Options {
  out?: string;
  describe?: boolean;
  resume?: boolean;
  allowEnvironmentChange?: boolean;
  runRecordedCode?: boolean;
  [field: string]: unknown;
}

async function train(options: Options): Promise<void> {
  const { out, describe, resume, allowEnvironmentChange, runRecordedCode } = options;
  if (out?.trim() === "") throw new UserError("Cannot use --out: expected a folder, got an empty name.");
  const { threads, ...fields } = runFieldsOf(options) as RunSpecInput & { threads?: number }; // checked by the library
  const common = {
    ...{ dir: out, resume, source: COMMAND_LINE },
    runRecordedCode,
    threads,
  };
  const flags = { source: COMMAND_LINE, flags: options };
  if (describe) return console.log(await namingFlags(flags, () => describeRun(fields, common)));
  const { exitCode, ending, report, reportProblem } = await namingFlags(flags, () =>
    recordRun(fields, {
      ...common,
      allowEnvironmentChange,
      watch: watchSignals,
      onPlan: ({ entropy, dir }) => {
        printNote(`1 run in ${printable(dir)}`);
        if (entropy !== undefined) printNote(entropy);
      },
      print: printText,
    }));
  Deno.exitCode = exitCode;
  if (ending === "interrupted") return printNote("interrupted; repeat the command to resume");
  if (reportProblem !== undefined) printNote(printable(reportProblem));
  if (report === undefined) return;
  console.log(`\nreport: ${printable(report.path)}`);
  reportDamage(report.leftOut);
}

if (import.meta.main) await runCommand(program, Deno.args);
