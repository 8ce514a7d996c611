/** `deno task experiment`: tests a published claim. */
import { printable } from "../error/printable.ts";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { type Experiment, runExperiment } from "../sweep/mod.ts";
import { command, runCommand, STATUS_HELP } from "./command.ts";
import { numberOption } from "./numbers.ts";

interface Options {
  quick?: boolean;
  out?: string;
  workers?: number;
}

const program = command("experiment", "Tests a published claim, and says what it comes to.")
  .argument("<file>", "an experiment: a .ts file, such as experiments/a_pure_bf16.ts")
  .option(
    "--quick",
    "a small form, within a minute, which shows the direction and makes no verdict's worth of it",
  )
  .option(
    "--out <folder>",
    "where runs and result.json go (default: experiments/out/NAME, or NAME-quick; with -HASH where that holds the plans of other sweeps)",
  )
  .option(
    "--workers <n>",
    "runs at once, which share the cores (default: 2 where there are 2 cores)",
    numberOption("--workers"),
  )
  .addHelpText("after", STATUS_HELP)
  .action(run);

async function run(file: string, options: Options): Promise<void> {
  const experiment = await readExperiment(file);
  const size = options.quick ? "quick" : "full";
  using interruption = watchSignals();
  const { workers, out: dir } = options;
  const result = await runExperiment(experiment, { size, dir, workers, interruption });
  if (result === undefined) {
    console.error("interrupted: run the same command to go on");
    Deno.exitCode = EXIT.interrupted;
    return;
  }
  const { experiment: { title, claim, source, prediction }, verdict, reason, directionHolds } = result;
  console.log(
    `${title}\n\nClaim (${source}): ${claim}\nPrediction: ${prediction}\n\n` +
      (size === "full"
        ? `${verdict}: ${printable(reason)}`
        : `The quick form, too short for a verdict: what it is held to ${
          directionHolds ? "is" : "is not"
        } seen. ${reason}`) +
      `\n\nresult: ${printable(result.path)}`,
  );
}

/** Reads an experiment's file. */
async function readExperiment(file: string): Promise<Experiment> {
  const refuse = (reason: string, cause?: unknown) =>
    new UserError(
      `Cannot run the experiment ${file}: wanted a .ts file whose default export is one: ${reason}`,
      {
        cause,
      },
    );
  let found: Partial<Experiment> | undefined;
  try {
    found = (await import(pathToFileURL(resolve(file)).href)).default;
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof found?.sweeps !== "function" || typeof found.conclude !== "function" || !found.name) {
    throw refuse("it has no name, sweeps and conclude");
  }
  return found as Experiment;
}

if (import.meta.main) await runCommand(program, Deno.args);
