/** `deno task reproduce RUN`: repeats a run, or all runs of a sweep, from their manifests. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { type ReproduceOptions, reproduceRuns } from "../proof/mod.ts";
import { append, command, printText, runCommand, STATUS } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { RUN_DATA_HELP } from "./model_flags.ts";

interface Options {
  tolerance?: number;
  data?: string[];
  presentCode?: boolean;
  runRecordedCode?: boolean;
}

export const program: Command = command(
  "reproduce",
  "Run a finished run again and compare the results. Code from the run's folder is executed only with --run-recorded-code.",
  {
    0: "the results are identical, or within the tolerance",
    2: "invalid input, or a run cannot be reproduced",
    4: "results differ by more than the tolerance",
    ...STATUS.stopped,
  },
)
  .argument(
    "<run>",
    "a run's folder, for example experiments/out/default/runs/ID, or a sweep's folder for all its runs",
  )
  .option(
    "--tolerance <nats>",
    "largest accepted difference of a loss, in nats per token (default: 0.001 for float32, 2^-8 for lower precision)",
    numberOption("--tolerance"),
  )
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--present-code", "run the code of this checkout, even if the run was made by different code")
  .option(
    "--run-recorded-code",
    "rebuild and run the code that made the run, including the folder's code.diff; only for folders that you trust",
  )
  .action(reproduce);

async function reproduce(folder: string, options: Options): Promise<void> {
  const { tolerance, data, presentCode, runRecordedCode } = options;
  if (presentCode && runRecordedCode) {
    throw new UserError("Cannot reproduce: expected --present-code or --run-recorded-code, got both.");
  }
  using interruption = watchSignals();
  const how: ReproduceOptions = {
    ...{ tolerance, data, signal: interruption.requested },
    code: runRecordedCode ? "recorded" : presentCode ? "present" : "matching",
  };
  for await (const { folder: run, reproduction, sentence } of reproduceRuns(folder, how)) {
    const prefix = run === folder ? "" : `${printable(run)}: `;
    for (const change of reproduction.changes) printText(`${prefix}changed: ${printable(change)}`);
    printText(`${prefix}${printable(sentence)}`);
    // The worst result sets the status: a different result outranks a run that could not be repeated.
    if (reproduction.answer === "diverged") Deno.exitCode = EXIT.diverged;
    else if (reproduction.answer === "cannot") Deno.exitCode ||= EXIT.badInput;
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
