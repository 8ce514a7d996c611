/** `deno task reproduce RUN`: reruns a run, or all runs of a sweep, from manifests. */
import { printable } from "../error/printable.ts";
import { join } from "node:path";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { type ReproduceOptions, reproduceRun, type Reproduction } from "../proof/mod.ts";
import { listRuns } from "../record/mod.ts";
import { isFolder } from "./files.ts";
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
  if (!isFolder(folder)) {
    throw new UserError(`Cannot read ${folder}: wanted a run's folder, or a sweep's: there is none`);
  }
  const runs = runsIn(folder);
  if (runs?.length === 0) {
    throw new UserError(
      `Cannot reproduce ${folder}: wanted a run's folder, or a sweep's with runs in it: it has none`,
    );
  }
  for (const run of runs ?? [folder]) {
    const prefix = runs === undefined ? "" : `${run}: `;
    let result: Reproduction;
    try {
      result = await reproduceRun(run, how);
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode !== EXIT.badInput) throw error;
      result = { answer: "cannot", reason: error.message, changes: [] }; // others may be whole
    }
    for (const change of result.changes) console.log(`${printable(prefix)}changed: ${printable(change)}`);
    console.log(`${printable(prefix)}${printable(describe(result))}`);
    // The worst answer of all is the status: that it diverged counts more than that one could not be run.
    if (result.answer === "diverged") Deno.exitCode = EXIT.diverged;
    else if (result.answer === "cannot") Deno.exitCode ||= EXIT.badInput;
  }
}

/** The runs of a sweep's folder; undefined: it is none. */
function runsIn(folder: string): string[] | undefined {
  if (!isFolder(join(folder, "runs"))) return undefined;
  return listRuns(folder).filter(({ state }) => state !== "foreign").map(({ folder }) => folder);
}

function describe(result: Reproduction): string {
  if (result.answer === "identical") return "identical";
  if (result.answer === "cannot") return `cannot, because ${result.reason}`;
  if (result.answer === "within tolerance") {
    return result.largest === 0
      ? "within tolerance: all losses are equal, but gradient norms or final weights are not"
      : `within tolerance: losses differ by at most ${
        result.largest.toExponential(2)
      } nats, at step ${result.at}`;
  }
  const { step, field, a, b } = result.difference;
  const why = result.changes.length === 0 ? "; no field of the environment differs" : "";
  return `diverged at step ${step}: ${field} was ${a}, is ${b}${why}`;
}

if (import.meta.main) await runCommand(program, Deno.args);
