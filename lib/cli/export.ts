/** `deno task export DIR`: exports a sweep's records for other programs. */
import { printable } from "../error/printable.ts";
import { EXPORT_FORMATS, type ExportFormat, exportRuns } from "../study/export_runs.ts";
import { command, list, reportDamage, runCommand, STATUS } from "./command.ts";

const program = command(
  "export",
  "Export the steps, evaluations and runs of a sweep as Parquet, Arrow or TensorBoard files.",
  { ...STATUS.done, ...STATUS.badInput, ...STATUS.damaged },
)
  .argument("<folder>", "a sweep's folder")
  .option("--format <list>", `formats: ${EXPORT_FORMATS.join(", ")}`, "parquet")
  .option("--out <folder>", "output folder (default: export/ in the sweep's folder)")
  .action((dir: string, options: { format: string; out?: string }) => {
    const formats = list(options.format) as ExportFormat[]; // checked by the library
    const { files, notes, leftOut } = exportRuns(dir, {
      ...{ formats, out: options.out, print: (line) => console.error(line) },
    });
    for (const path of files) console.log(printable(path));
    for (const note of notes) console.error(`note: ${printable(note)}`);
    reportDamage(leftOut);
  });

if (import.meta.main) await runCommand(program, Deno.args);
