/** `deno task compare`: tests whether a lower precision changes the loss. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { DEFAULT_LEVEL, DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { isFile, isFolder } from "../file/exists.ts";
import { parseJson } from "../file/json.ts";
import { sealJson } from "../file/sealed_json.ts";
import { requireFilePath, writeFile } from "../file/write_file.ts";
import type { LeftOutRun } from "../record/mod.ts";
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
  FLOOR_HELP,
  onlyRead,
  printNote,
  printText,
  reportDamage,
  runCommand,
  TOLERANCE_HELP,
  TRAINING_STATUSES,
} from "./command.ts";
import { numberOption } from "./numbers.ts";
import { readSpec, withFields } from "./spec_file.ts";

interface Options {
  out?: string;
  json?: string;
  workers?: number;
  floor?: number;
  tolerance: number;
  level: number;
  culprit: string;
}

export const program: Command = command(
  "compare",
  "Test whether a lower precision changes the loss: by how much, from which step, and by more than chance.",
  TRAINING_STATUSES,
)
  .argument(
    "[subject]",
    "a sweep's folder, the folder of the first of two runs, or a spec to train (default: train float32 and bf16-autocast on the characters of Shakespeare, T = 64, 5 seeds, 200 steps)",
  )
  .argument(
    "[second-run]",
    "folder of the second run. The two runs may differ only in precision, or only in seed",
  )
  .option(
    "--out <folder>",
    `folder of the runs and the report, only if compare trains them (default: ${DEFAULT_FOLDER_HELP})`,
  )
  .option(
    "--workers <n>",
    "number of concurrent runs (default: 2, or 1 on one core)",
    numberOption("--workers"),
  )
  .option(
    "--floor <n>",
    `${FLOOR_HELP}; only if compare trains the runs (default: 3)`,
    numberOption("--floor"),
  )
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option("--level <share>", "confidence level of intervals", numberOption("--level"), DEFAULT_LEVEL)
  .option(
    "--culprit <how>",
    "search for the layers and operation classes that cause a gap. A replay computes the gradients of 8 batches in both precisions, at the weights of a float32 run. auto: a replay if the verdict is degraded; replay: a replay for any verdict; loss: if the verdict is degraded, do a replay, then train new runs: some with only the suspected layers or classes in the lower precision, others with only the suspected ones in float32; none: no search",
    "auto",
  )
  .option("--json <file>", "also write the result as JSON to this file")
  .action(compare);

async function compare(what: string | undefined, run: string | undefined, options: Options): Promise<void> {
  const { json, out, floor } = options;
  const how = howOf(options);
  const reads = what !== undefined && (run !== undefined || isFolder(what));
  if (reads && how.culprit === "none") onlyRead();
  if (json !== undefined) requireFilePath(json);
  if (what !== undefined && run !== undefined) return end(await compareRunFolders(what, run, how), json);
  if (what !== undefined && isFolder(what)) return end(await compareFolder(what, how), json);
  if (what !== undefined && !isFile(what) && !/\.(json|[mc]?[jt]s)$/.test(what)) {
    throw new UserError(
      `Cannot compare ${what}: expected a run's or a sweep's folder, or a spec (.json, or .ts with a default export), ` +
        "got a path that does not exist. Correct the path.",
    );
  }
  const { outcome, comparison } = await compareSpec(
    withFields(what === undefined ? {} : await readSpec(what), { floor }),
    {
      ...how,
      ...{ dir: out, source: what },
      onPlan: ({ plan: { runs }, dir, workers, notes }) => {
        printNote(`${runs.length} runs in ${printable(dir)}, ${workers} at a time`);
        for (const note of notes) printNote(`note: ${note}`);
      },
    },
  );
  Deno.exitCode = outcome.exitCode;
  for (const { id, reason } of outcome.failed) printNote(`failed: ${id}: ${printable(reason)}`);
  if (outcome.exitCode === EXIT.interrupted) printNote("interrupted; repeat the command to resume");
  if (comparison !== undefined) end(comparison, json);
}

/** Returns the options of the library call. */
function howOf({ tolerance, level, culprit, workers }: Options): CompareFolderOptions {
  const found = CULPRIT_SEARCHES.find((one) => one === culprit);
  if (found === undefined) {
    throw new UserError(
      `Cannot use --culprit: expected one of ${CULPRIT_SEARCHES.join(", ")}, got ${culprit}.`,
    );
  }
  return {
    tolerance,
    level,
    culprit: found,
    workers,
    watch: watchSignals,
    print: printText,
    note: printNote,
  };
}

/** Prints the path of the report, writes `--json`, and sets the exit status. */
function end(
  { report, leftOut, json }: { report?: string; leftOut: readonly LeftOutRun[]; json: string },
  path: string | undefined,
): void {
  if (path !== undefined) writeFile(path, sealJson(parseJson(json) as object, 1));
  if (report !== undefined) console.log(`\nreport: ${printable(report)}`);
  reportDamage(leftOut);
}

if (import.meta.main) await runCommand(program, Deno.args);
