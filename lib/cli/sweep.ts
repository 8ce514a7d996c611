/** `deno task sweep`: plans and runs a sweep, and writes its report. */
import { printable } from "../error/printable.ts";
import { basename, resolve } from "node:path";
import { DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT } from "../error/user_error.ts";
import { describeEntropy } from "../run/mod.ts";
import { parseSweepSpec, readPlan, requireUnchanged, type SweepSpec } from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import {
  append,
  command,
  DEFAULT_FOLDER_HELP,
  list,
  overrides,
  reportDamage,
  runCommand,
  STATUS_HELP,
  TOLERANCE_HELP,
} from "./command.ts";
import { byteSizeOption, durationOption, numberOption, numeric } from "./numbers.ts";
import { runFieldHelp } from "./run_flags.ts";
import { readSpec } from "./spec_file.ts";
import { type PlacedSweep, placeSweep, report, runPlaced } from "../study/mod.ts";

interface Options {
  out?: string;
  workers?: number;
  resume?: boolean;
  tolerance: number;
  retries: number;
  timeLimit?: number;
  memoryLimit?: number;
  allowEnvironmentChange?: boolean;
  [axis: string]: unknown;
}

const program = command("sweep", "Train all combinations of the axes and compare precisions.")
  .argument(
    "[spec]",
    "a spec: .json, or .ts with a default export (default: the built-in sweep on Shakespeare)",
  )
  .option(
    "--out <folder>",
    `folder of runs and report (default: ${DEFAULT_FOLDER_HELP})`,
  )
  .option("--data <corpus>", runFieldHelp("data"), append)
  .option("--seq <list>", "sequence lengths T, for example 64,128")
  .option("--amp <list>", `precision policies, for example off,on: ${runFieldHelp("policy")}`)
  .option("--override <list>", runFieldHelp("overrides"))
  .option("--probes <k>", runFieldHelp("probeEvery"), numeric)
  .option("--vocab <list>", "tokenizers: char, byte, gpt2, or BPE vocabulary sizes; for example char,512")
  .option("--seeds <list>", "seeds, for example 1,2")
  .option("--steps <n>", "training steps per run")
  .option(
    "--workers <n>",
    "number of concurrent runs (default: from cores and memory)",
    numberOption("--workers"),
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
    "accept runs finished in a different environment, and resume runs started there",
  )
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option(
    "--resume",
    "resume the sweep in --out; create it if missing. Without a spec and axis flags, use the plan in --out",
  )
  .addHelpText("after", STATUS_HELP)
  .action(sweep);

async function sweep(specPath: string | undefined, options: Options): Promise<void> {
  const { tolerance, retries, timeLimit, memoryLimit, allowEnvironmentChange } = options;
  const limits = { seconds: timeLimit, bytes: memoryLimit };
  const placed = await placedSweep(specPath, options);
  const { plan, dir, workers } = placed;
  const entropy = describeEntropy(plan.data);
  if (entropy !== undefined) console.error(entropy);

  using interruption = watchSignals();
  const tokens = plan.runs.reduce((sum, { spec: { steps, B, T } }) => sum + steps * B * T, 0);
  console.error(
    `${plan.runs.length} runs (${tokens} tokens) in ${
      printable(dir)
    }, ${workers} at a time with ${plan.threads} ` +
      `thread${plan.threads > 1 ? "s" : ""} each`,
  );
  const outcome = await runPlaced(placed, { interruption, retries, limits, allowEnvironmentChange });
  Deno.exitCode = outcome.exitCode;
  if (outcome.exitCode === EXIT.interrupted) {
    console.error(
      `interrupted: ${outcome.finished} of ${plan.runs.length} runs are finished; repeat the command to resume`,
    );
    return;
  }
  if (outcome.finished > 0) {
    const { path, leftOut } = await report(dir, {
      title: plan.name,
      tolerance,
      print: (line) => console.log(line),
    });
    console.log(`\nreport: ${printable(path)}`);
    reportDamage(leftOut);
  }
  for (const { id, reason } of outcome.failed) console.error(`failed: ${id}: ${printable(reason)}`);
}

/** Flags that determine the runs. */
const AXES = ["data", "seq", "amp", "override", "probes", "vocab", "seeds", "steps"];

/** Places the sweep of a command line. With `--resume` alone, uses the plan in the folder. */
async function placedSweep(specPath: string | undefined, options: Options): Promise<PlacedSweep> {
  const { out, resume, workers } = options;
  const silent = specPath === undefined && AXES.every((flag) => options[flag] === undefined);
  const found = resume && silent && out !== undefined ? readPlan(out) : undefined;
  if (found !== undefined) {
    requireDevice();
    await requireUnchanged(out!, found);
    const atOnce = Math.max(1, Math.floor(navigator.hardwareConcurrency / found.threads));
    return { plan: found, dir: out!, workers: workers ?? atOnce };
  }
  const given = specPath === undefined ? {} : await readSpec(specPath);
  const spec = specOf(given, { specPath, options });
  // A built-in sweep in a chosen folder gets the name of the folder.
  const name = specPath === undefined && out !== undefined ? basename(resolve(out)) : spec.name;
  return await placeSweep(spec, { dir: out, workers, name });
}

/** Returns the spec of a file, or the built-in spec, with the values of flags. */
function specOf(
  given: unknown,
  { specPath, options }: { specPath: string | undefined; options: Readonly<Record<string, unknown>> },
): SweepSpec {
  const fromFlags = {
    data: options["data"],
    seq: split(options["seq"], (text) => list(text).map(numeric)),
    // The built-in sweep compares float32 with the device's autocast policy.
    policy: split(
      options["amp"] ?? (specPath === undefined ? "off,on" : undefined),
      list,
    ),
    overrides: split(options["override"], overrides),
    probeEvery: options["probes"],
    vocab: split(options["vocab"], list),
    seeds: split(options["seeds"], (text) => list(text).map(numeric)),
    steps: split(options["steps"], numeric),
  };
  const flags = Object.fromEntries(Object.entries(fromFlags).filter(([, value]) => value !== undefined));
  return parseSweepSpec(
    typeof given === "object" && given !== null ? { ...given, ...flags } : given,
    specPath ?? "the command line",
  );
}

function split<T>(value: unknown, read: (text: string) => T): T | undefined {
  return value === undefined ? undefined : read(String(value));
}

if (import.meta.main) await runCommand(program, Deno.args);
