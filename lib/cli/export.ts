/** `deno task export DIR`: a sweep's records as files that other programs read. */
import { join } from "node:path";
import { runTable } from "../analysis/mod.ts";
import { UserError } from "../error/user_error.ts";
import { writeFile } from "../file/write_file.ts";
import {
  type Columns,
  columnsOfRows,
  describedStepColumns,
  encodeArrow,
  encodeParquet,
  encodeTensorBoard,
  evalColumns,
  readRuns,
  type RecordedRun,
  runColumns,
} from "../record/mod.ts";
import { command, list, runCommand } from "./command.ts";

/** A file to write, below the folder of exports. */
interface ExportedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const FORMATS: Readonly<Record<string, (runs: readonly RecordedRun[]) => Iterable<ExportedFile>>> = {
  parquet: (runs) => tableFiles(runs, "parquet", encodeParquet),
  arrow: (runs) => tableFiles(runs, "arrow", encodeArrow),
  tensorboard: eventFiles,
};

const program = command(
  "export",
  "Writes a sweep's steps, evaluations and runs as Parquet, Arrow or TensorBoard files.",
)
  .argument("<folder>", "a sweep's folder")
  .option("--format <list>", `of ${Object.keys(FORMATS).join(", ")}`, "parquet")
  .option("--out <folder>", "where the files go (default: export in the sweep's folder)")
  .action((dir: string, options: { format: string; out?: string }) => {
    const formats = list(options.format);
    const unknown = formats.find((format) => !Object.hasOwn(FORMATS, format));
    if (unknown !== undefined || formats.length === 0) {
      throw new UserError(
        `Cannot export: --format must be of ${Object.keys(FORMATS).join(", ")}: it is ${unknown ?? "empty"}`,
      );
    }
    const runs = readRuns(dir);
    for (const run of runs) run.warnings.forEach((warning) => console.error(`warning: ${warning}`));
    const out = options.out ?? join(dir, "export");
    for (const format of new Set(formats)) {
      for (const { path, bytes } of FORMATS[format]!(runs)) {
        writeFile(join(out, path), bytes);
        console.log(join(out, path));
      }
    }
  });

/** What came out of a run, as {@linkcode runTable} has it. */
const RESULTS = ["valLoss", "bestValLoss", "bitsPerByte", "tokensPerSecond", "spikes", "nonFinite"] as const;

/** A file of events a run, one after the other: together they may be large. */
function* eventFiles(runs: readonly RecordedRun[]): Iterable<ExportedFile> {
  for (const run of runs) {
    const { path, bytes } = encodeTensorBoard(run);
    yield { path: join("tensorboard", path), bytes };
  }
}

function* tableFiles(
  runs: readonly RecordedRun[],
  extension: string,
  encode: (columns: Columns) => Uint8Array,
): Iterable<ExportedFile> {
  const results = columnsOfRows(
    runTable(runs).select(...RESULTS).objects() as Record<string, unknown>[],
    RESULTS,
  );
  const tables: Record<string, Columns> = {
    steps: describedStepColumns(runs),
    evals: evalColumns(runs),
    runs: { ...runColumns(runs), ...results },
  };
  for (const [name, columns] of Object.entries(tables)) {
    yield { path: `${name}.${extension}`, bytes: encode(columns) };
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
