/** `deno task sweep`: plans and runs a sweep, and writes its report. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { typedCommand } from "../error/command_line.ts";
import { shellWord } from "../file/shell_word.ts";
import { DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { terminalColumns } from "../progress/progress.ts";
import { type PlacedSweep, recordSweep } from "../study/mod.ts";
import {
  command,
  DEFAULT_FOLDER_HELP,
  FLOOR_HELP,
  printNote,
  printText,
  reportDamage,
  runCommand,
  TOLERANCE_HELP,
  TRAINING_STATUSES,
  wrapSentences,
} from "./command.ts";
import { RECORDED_CODE_HELP } from "./model_flags.ts";
import { byteSizeOption, durationOption, numberOption } from "./numbers.ts";
import { sweepDefault } from "./run_defaults.ts";
import { COMMAND_LINE, namingFlags } from "./named_flags.ts";
import { planLine } from "./plan_line.ts";
import { addRunFlags, runFieldsOf, SWEEP_FIELDS } from "./run_flags.ts";
import { readSpec, withFields } from "./spec_file.ts";

interface Options {
  out?: string;
  workers?: number;
  floor?: number;
  resume?: boolean;
  tolerance: number;
  retries: number;
  timeLimit?: number;
  memoryLimit?: number;
  allowEnvironmentChange?: boolean;
  open?: boolean;
  runRecordedCode?: boolean;
  [field: string]: unknown;
}

export const program: Command = command(
  "sweep",
  "Train one model for each combination of the axes, and compare the precisions.",
  TRAINING_STATUSES,
)
  .argument(
    "[spec]",
    "a spec: .json, or .ts with a default export (default: the built-in sweep on Shakespeare)",
  )
  .option(
    "--out <folder>",
    `folder of runs and report (default: ${DEFAULT_FOLDER_HELP})`,
  )
  .option(
    "--workers <n>",
    "number of concurrent runs (default: from cores and memory)",
    numberOption("--workers"),
  )
  .option(
    "--floor <n>",
    `${FLOOR_HELP} (default: 0, or 2 for the built-in sweep without flags that change its runs, such as --steps)`,
    numberOption("--floor"),
  )
  .option("--retries <n>", "number of retries of a failed run", numberOption("--retries"), 1)
  .option(
    "--time-limit <time>",
    "time limit per run, for example 90s, 10m or 2h (default: none)",
    durationOption("--time-limit"),
  )
  .option(
    "--memory-limit <size>",
    "memory limit per run, for example 800MB or 2GB (default: none)",
    byteSizeOption("--memory-limit"),
  )
  .option(
    "--allow-environment-change",
    "reuse and resume runs that were computed in a different environment, for example with another CPU model or TensorFlow version (default: run them again)",
  )
  .option("--open", "serve the report while the runs progress, and open the report in the browser")
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option(
    "--resume",
    "resume the sweep in --out. Its plan.json contains the spec and the flags, which need not be repeated. Without a plan, start a new sweep",
  )
  .addHelpText(
    "after",
    () =>
      wrapSentences(
        "\nFlags override the fields of the spec. The batch size is tokensPerStep / T. Without a spec, tokensPerStep is 1,024.",
        terminalColumns(),
      ),
  )
  .action(sweep);
addRunFlags(program, { fields: SWEEP_FIELDS, defaultOf: sweepDefault });

async function sweep(path: string | undefined, options: Options): Promise<void> {
  const {
    out,
    workers,
    floor,
    resume,
    tolerance,
    retries,
    timeLimit,
    memoryLimit,
    allowEnvironmentChange,
    open,
  } = options;
  const given = path === undefined ? {} : await readSpec(path), source = path ?? COMMAND_LINE;
  const { dir, verdicts, plan, exitCode, ending, finished, failed, report, reportProblem } =
    await namingFlags({ source, flags: options, fields: SWEEP_FIELDS }, () =>
      recordSweep(
        withFields(given, { floor, ...runFieldsOf(options, SWEEP_FIELDS) }),
        {
          ...{ dir: out, workers, resume, tolerance, retries, allowEnvironmentChange, open },
          runRecordedCode: options.runRecordedCode,
          limits: { seconds: timeLimit, bytes: memoryLimit },
          source,
          watch: watchSignals,
          onPlan: describePlan,
          print: printText,
        },
      ));
  Deno.exitCode = exitCode;
  if (ending === "interrupted") {
    printNote(
      `interrupted: ${finished} of ${plan.runs.length} runs are finished; repeat the command to resume`,
    );
    return;
  }
  if (report !== undefined) {
    console.log(`\nreport: ${printable(report.path)}`);
    console.log(`next:   ${nextCommand(dir, verdicts.length > 0)}`);
    reportDamage(report.leftOut);
  }
  for (const { id, reason } of failed) printNote(`failed: ${id}: ${printable(reason)}`);
  if (reportProblem !== undefined) printNote(printable(reportProblem));
}

/** Returns the command to try next: statistics and culprits of pairs, or the full tables of other runs. */
function nextCommand(dir: string, hasPairs: boolean): string {
  return `${typedCommand(hasPairs ? "compare" : "report")} ${shellWord(dir)}`;
}

function describePlan(placed: PlacedSweep): void {
  if (placed.entropy !== undefined) printNote(placed.entropy);
  printNote(planLine(placed));
  for (const note of placed.notes) printNote(`note: ${note}`);
}

if (import.meta.main) await runCommand(program, Deno.args);
