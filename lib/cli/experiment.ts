/** `deno task experiment`: tests a published claim. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { importFile } from "../file/import_file.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { type Experiment, runExperiment } from "../sweep/mod.ts";
import { command, printNote, runCommand, TRAINING_STATUSES } from "./command.ts";
import { numberOption } from "./numbers.ts";

interface Options {
  quick?: boolean;
  out?: string;
  workers?: number;
}

export const program: Command = command(
  "experiment",
  "Test a published claim: train the runs of an experiment, and print the verdict on its prediction.",
  TRAINING_STATUSES,
)
  .argument("<file>", "an experiment: a .ts file, for example experiments/a_pure_bf16.ts")
  .option(
    "--quick",
    "train fewer and shorter runs (under 1 minute), and print the direction of the effect without a verdict",
  )
  .option(
    "--out <folder>",
    "folder of runs and result.json (default: experiments/out/NAME, or NAME-quick with --quick; NAME-HASH if that folder contains runs of other specs than those of the experiment)",
  )
  .option(
    "--workers <n>",
    "number of concurrent runs (default: 2, or 1 on one core)",
    numberOption("--workers"),
  )
  .action(run);

async function run(file: string, options: Options): Promise<void> {
  const experiment = await readExperiment(file);
  const size = options.quick ? "quick" : "full";
  using interruption = watchSignals();
  const { workers, out: dir } = options;
  const result = await runExperiment(experiment, { size, dir, workers, interruption });
  if (result === undefined) {
    printNote("interrupted; repeat the command to resume");
    Deno.exitCode = EXIT.interrupted;
    return;
  }
  const { experiment: { title, claim, source, prediction }, verdict, reason, directionHolds } = result;
  console.log(
    `${title}\n\nClaim (${source}): ${claim}\nPrediction: ${prediction}\n\n` +
      (size === "full"
        ? `${verdict}: ${printable(reason)}`
        : `Quick form, too short for a verdict. The predicted direction ${
          directionHolds ? "holds" : "does not hold"
        }. ${reason}`) +
      `\n\nresult: ${printable(result.path)}`,
  );
}

/**
 * Imports an experiment.
 *
 * @throws {UserError} If the file cannot be imported, or its default export is not an experiment.
 */
async function readExperiment(file: string): Promise<Experiment> {
  const refuse = (reason: string, cause?: unknown) =>
    new UserError(
      `Cannot run the experiment ${file}: expected a .ts file with an experiment as default export. ${reason}`,
      {
        cause,
      },
    );
  let found: Partial<Experiment> | undefined;
  try {
    found = (await importFile(file))["default"] as Partial<Experiment> | undefined;
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof found?.sweeps !== "function" || typeof found.conclude !== "function" || !found.name) {
    throw refuse("The default export must have name, sweeps and conclude.");
  }
  return found as Experiment;
}

if (import.meta.main) await runCommand(program, Deno.args);
