/** `deno task compare`: whether a lower precision changes the loss, by how much, from which step, beyond seed noise. */
import { printable } from "../error/printable.ts";
import { DEFAULT_LEVEL, DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { isFile, isFolder } from "../file/exists.ts";
import { writeFile } from "../file/write_file.ts";
import { type LeftOutRun, runPaths } from "../record/mod.ts";
import {
  compareFolder,
  type CompareFolderOptions,
  compareRunFolders,
  compareSpec,
  CULPRIT_SEARCHES,
} from "../study/mod.ts";
import {
  command,
  DEFAULT_FOLDER_HELP,
  onlyRead,
  reportDamage,
  runCommand,
  STATUS_HELP,
  TOLERANCE_HELP,
} from "./command.ts";
import { numberOption } from "./numbers.ts";
import { readSpec } from "./spec_file.ts";

interface Options {
  out?: string;
  json?: string;
  workers?: number;
  tolerance: number;
  level: number;
  culprit: string;
}

const program = command(
  "compare",
  "Says whether a lower precision changes the loss: by how much, from which step on, and beyond seed noise.",
)
  .argument("[what]", "a run's folder, with another to hold against it; a sweep's folder; or a spec to train")
  .argument("[run]", "the run in the lower precision, or of another seed")
  .option("--out <folder>", `where a spec's runs and report go (default: ${DEFAULT_FOLDER_HELP})`)
  .option(
    "--workers <n>",
    "runs at once, which share the cores (default: 2 where there are 2 cores)",
    numberOption("--workers"),
  )
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option("--level <share>", "how sure intervals and limits are", numberOption("--level"), DEFAULT_LEVEL)
  .option(
    "--culprit <how>",
    "auto: by replaying a step, where the verdict is degraded or diverged; replay: always; loss: by training too; none",
    "auto",
  )
  .option("--json <file>", "where to write what it comes to; of a folder, beside its compare.json, in brief")
  .addHelpText("after", STATUS_HELP)
  .action(compare);

async function compare(what: string | undefined, run: string | undefined, options: Options): Promise<void> {
  const { json, out } = options;
  const how = howOf(options);
  const reads = what !== undefined && (run !== undefined || isFolder(what));
  if (reads && how.culprit === "none") onlyRead();
  if (what !== undefined && run !== undefined) return end(await compareRunFolders(what, run, how), json);
  if (what !== undefined && isFolder(what)) {
    if (isFile(runPaths(what).manifest)) {
      throw new UserError(`Cannot compare ${what}: expected a second run to compare it with, got one run.`);
    }
    return end(await compareFolder(what, how), json);
  }
  if (what !== undefined && !isFile(what) && !/\.(json|[mc]?[jt]s)$/.test(what)) {
    throw new UserError(
      `Cannot compare ${what}: wanted a run's or a sweep's folder, or a spec (.json, or .ts with a default export): ` +
        "there is nothing of this name",
    );
  }
  const { outcome, comparison } = await compareSpec(what === undefined ? {} : await readSpec(what), {
    ...how,
    ...{ dir: out, source: what },
    onPlan: ({ plan: { runs }, dir, workers }) =>
      console.error(`${runs.length} runs into ${printable(dir)}, ${workers} at once`),
  });
  Deno.exitCode = outcome.exitCode;
  for (const { id, reason } of outcome.failed) console.error(`failed: ${id}: ${printable(reason)}`);
  if (outcome.exitCode === EXIT.interrupted) console.error("interrupted: run the same command to go on");
  if (comparison !== undefined) end(comparison, json);
}

/** Returns the library's options. */
function howOf({ tolerance, level, culprit, workers }: Options): CompareFolderOptions {
  const found = CULPRIT_SEARCHES.find((one) => one === culprit);
  if (found === undefined) {
    throw new UserError(
      `Cannot compare: --culprit must be one of ${CULPRIT_SEARCHES.join(", ")}: it is ${culprit}`,
    );
  }
  return {
    tolerance,
    level,
    culprit: found,
    workers,
    watch: watchSignals,
    print: (line) => console.log(line),
    note: (line) => console.error(line),
  };
}

/** Prints where the report is, writes `--json`, and sets the status. */
function end(
  { report, leftOut, json }: { report?: string; leftOut: readonly LeftOutRun[]; json: string },
  path: string | undefined,
): void {
  if (path !== undefined) writeFile(path, json);
  if (report !== undefined) console.log(`\nreport: ${printable(report)}`);
  reportDamage(leftOut);
}

if (import.meta.main) await runCommand(program, Deno.args);
