/** `deno task export DIR`: exports a sweep's records for other programs. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { Option } from "commander";
import { EXIT } from "../error/user_error.ts";
import { checkExport } from "../study/check_export.ts";
import { EXPORT_FORMATS, type ExportFormat, exportFormats, exportRuns } from "../study/export_runs.ts";
import { command, list, printNote, reportDamage, runCommand, STATUS } from "./command.ts";

export const program: Command = command(
  "export",
  "Export the steps, evaluations and runs of a sweep as Parquet, Arrow or TensorBoard files.",
  {
    0: "done; with --check, all files are intact",
    2: "invalid input; nothing was written",
    3: "a recorded run is damaged and was left out; with --check, a file is damaged",
    ...STATUS.stopped,
  },
)
  .argument("<folder>", "a sweep's folder, or with --check the output folder of an export")
  .option("--format <list>", `formats: ${EXPORT_FORMATS.join(", ")} (default: parquet)`, formatList)
  .option("--out <folder>", "output folder (default: export/ in the sweep's folder)")
  .addOption(
    new Option(
      "--check",
      "verify the exported files in <folder>, a sweep's folder or the output folder of an export; write nothing",
    )
      .conflicts(["format", "out"]),
  )
  .action(
    async (dir: string, options: { format?: readonly ExportFormat[]; out?: string; check?: boolean }) => {
      if (options.check) return await check(dir);
      const { files, notes, leftOut } = exportRuns(dir, {
        ...{ formats: options.format, out: options.out, print: printNote },
      });
      for (const path of files) console.log(printable(path));
      for (const note of notes) printNote(`note: ${printable(note)}`);
      reportDamage(leftOut);
    },
  );

/** Parses a list of formats. */
function formatList(text: string): readonly ExportFormat[] {
  return exportFormats(list(text), { action: "use --format", given: text });
}

/** Prints the damaged files of an export, and sets exit status 3 if there are any. */
async function check(folder: string): Promise<void> {
  const { files, damaged } = await checkExport(folder);
  for (const { path, reason } of damaged) console.log(`damaged: ${printable(path)}: ${printable(reason)}`);
  console.log(`${files.length - damaged.length} of ${files.length} files are intact`);
  if (damaged.length === 0) return;
  printNote("Repeat the export to replace damaged files.");
  Deno.exitCode = EXIT.someFailed;
}

if (import.meta.main) await runCommand(program, Deno.args);
