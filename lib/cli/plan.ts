/** `deno task plan SPEC`: lists the runs of a spec with their predicted time and memory. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { plan } from "../study/mod.ts";
import {
  command,
  DEFAULT_FOLDER_HELP,
  printNote,
  printText,
  reportDamage,
  runCommand,
  STATUS,
} from "./command.ts";
import { numberOption } from "./numbers.ts";
import { readSpec } from "./spec_file.ts";

export const program: Command = command(
  "plan",
  "List the runs of a spec with their predicted time and memory. Trains nothing.",
  { ...STATUS.done, ...STATUS.badInput, ...STATUS.damaged, ...STATUS.stopped },
)
  .argument(
    "[spec]",
    "a spec: .json, or .ts with a default export (default: the built-in sweep on Shakespeare)",
  )
  .option(
    "--out <folder>",
    `folder of the sweep; predictions use the speed of finished runs there (default: ${DEFAULT_FOLDER_HELP})`,
  )
  .option(
    "--workers <n>",
    "number of concurrent runs (default: from cores and memory)",
    numberOption("--workers"),
  )
  .action(async (path: string | undefined, { out, workers }: { out?: string; workers?: number }) => {
    const spec = path === undefined ? {} : await readSpec(path);
    const { dir, text, leftOut } = await plan(spec, {
      dir: out,
      workers,
      source: path ?? "the built-in spec",
    });
    printNote(`folder: ${printable(dir)}`);
    printText(text);
    reportDamage(leftOut);
  });

if (import.meta.main) await runCommand(program, Deno.args);
