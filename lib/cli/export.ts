/** `deno task export DIR`: exports a sweep's records for other programs. */
import { printable } from "../error/printable.ts";
import { join } from "node:path";
import { runTable } from "../analysis/mod.ts";
import { UserError } from "../error/user_error.ts";
import {
  type Columns,
  columnsOfRows,
  describedStepColumns,
  describedStepPieces,
  encodeArrow,
  encodeParquet,
  encodeTensorBoard,
  EVAL_FORM,
  evalColumns,
  type RecordedRun,
  RESULT_FORM,
  RUN_FORM,
  runColumns,
  STEP_FORM,
  type TableForm,
  tensorBoardPath,
} from "../record/mod.ts";
import { type ExportedFile, writeExport } from "./export_folder.ts";
import { command, list, runCommand } from "./command.ts";
import { openSweep } from "./open_sweep.ts";

const FORMATS: Readonly<Record<string, (runs: readonly RecordedRun[]) => readonly ExportedFile[]>> = {
  parquet: (runs) => tableFiles(runs, "parquet", { steps: describedStepPieces, encode: encodeParquet }),
  arrow: (runs) =>
    tableFiles(runs, "arrow", {
      steps: (runs) => [describedStepColumns(runs)],
      encode: ([columns], form) => encodeArrow(columns!, form),
    }),
  tensorboard: eventFiles,
};

const program = command(
  "export",
  "Export the steps, evaluations and runs of a sweep as Parquet, Arrow or TensorBoard files.",
)
  .argument("<folder>", "a sweep's folder")
  .option("--format <list>", `formats: ${Object.keys(FORMATS).join(", ")}`, "parquet")
  .option("--out <folder>", "output folder (default: export/ in the sweep's folder)")
  .action((dir: string, options: { format: string; out?: string }) => {
    const formats = list(options.format);
    const unknown = formats.find((format) => !Object.hasOwn(FORMATS, format));
    if (unknown !== undefined || formats.length === 0) {
      throw new UserError(
        `Cannot use --format: expected a list of ${Object.keys(FORMATS).join(", ")}, got ${
          unknown ?? "an empty list"
        }.`,
      );
    }
    const { runs } = openSweep(dir, (line) => console.error(line));
    const out = options.out ?? join(dir, "export");
    const files = Object.fromEntries(formats.map((format) => [format, FORMATS[format]!(runs)]));
    writeExport(out, files, {
      file: (path) => console.log(printable(path)),
      note: (line) => console.error(`note: ${printable(line)}`),
    });
  });

/** Returns one TensorBoard event file per run. */
function eventFiles(runs: readonly RecordedRun[]): readonly ExportedFile[] {
  return runs.map((run) => ({
    path: join("tensorboard", tensorBoardPath(run)),
    bytes: () => encodeTensorBoard(run),
  }));
}

function tableFiles(
  runs: readonly RecordedRun[],
  extension: string,
  format: {
    steps: (runs: readonly RecordedRun[]) => Iterable<Columns>;
    encode: (pieces: Iterable<Columns>, form: TableForm) => Uint8Array;
  },
): readonly ExportedFile[] {
  const results = columnsOfRows(
    runTable(runs).select(...Object.keys(RESULT_FORM)).objects() as Record<string, unknown>[],
    RESULT_FORM,
  );
  const tables: Record<string, [Iterable<Columns>, TableForm]> = {
    steps: [format.steps(runs), STEP_FORM],
    evals: [[evalColumns(runs)], EVAL_FORM],
    runs: [[{ ...runColumns(runs), ...results }], { ...RUN_FORM, ...RESULT_FORM }],
  };
  return Object.entries(tables).map(([name, [pieces, form]]) => ({
    path: `${name}.${extension}`,
    bytes: () => format.encode(pieces, form),
  }));
}

if (import.meta.main) await runCommand(program, Deno.args);
