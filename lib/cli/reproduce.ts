/** `deno task reproduce RUN`: reruns a run, or all runs of a sweep, from manifests. */
import { printable } from "../error/printable.ts";
import { join } from "node:path";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { type ReproduceOptions, reproduceRuns } from "../proof/mod.ts";
import { isFolder } from "../file/exists.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { append, command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { RUN_DATA_HELP } from "./open_model.ts";

interface Options {
  tolerance?: number;
  data?: string[];
  presentCode?: boolean;
  runRecordedCode?: boolean;
}

const program = command(
  "reproduce",
  "Runs a finished run again and compares the results. No code of the folder runs without --run-recorded-code.",
)
  .argument(
    "<run>",
    "a run's folder, such as experiments/out/default/runs/ID, or a sweep's folder: all its runs",
  )
  .option(
    "--tolerance <nats>",
    "how far a loss may be off (default: 0.001; 2^-8 below float32)",
    numberOption("--tolerance"),
  )
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--present-code", "run this checkout's code even where other code made the run")
  .option(
    "--run-recorded-code",
    "rebuild and run the code that made the run, with the folder's code.diff; only for folders that you trust",
  )
  .action(reproduce);

async function reproduce(folder: string, options: Options): Promise<void> {
  const { tolerance, data, presentCode, runRecordedCode } = options;
  if (presentCode && runRecordedCode) {
    throw new UserError("Cannot reproduce: give --present-code or --run-recorded-code, not both");
  }
  requireDevice();
  using interruption = watchSignals();
  const how: ReproduceOptions = {
    ...{ tolerance, data, signal: interruption.requested },
    code: runRecordedCode ? "recorded" : presentCode ? "present" : "matching",
    print: (line) => console.error(line),
  };
  const isSweep = isFolder(join(folder, "runs"));
  for await (const { folder: run, reproduction, sentence } of reproduceRuns(folder, how)) {
    const prefix = isSweep ? `${printable(run)}: ` : "";
    for (const change of reproduction.changes) console.log(`${prefix}changed: ${printable(change)}`);
    console.log(`${prefix}${printable(sentence)}`);
    // The worst answer of all is the status: that it diverged counts more than that one could not be run.
    if (reproduction.answer === "diverged") Deno.exitCode = EXIT.diverged;
    else if (reproduction.answer === "cannot") Deno.exitCode ||= EXIT.badInput;
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
