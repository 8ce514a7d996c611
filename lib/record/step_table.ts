/**
 * `table.parquet`, the training steps of a sweep in one file. It is derived from the journals: it can be deleted, and is
 * read in their place only while it is of them as they are.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { writeFile } from "../file/write_file.ts";
import { describedStepColumns, type StepColumns, stepColumns } from "./columns.ts";
import { type FileStamp, fileStampSchema, matchesStamp, stampFile } from "./file_stamp.ts";
import { encodeParquet, openParquet, type ParquetFile, parquetText, readParquet } from "./parquet.ts";
import { begunRuns, readRuns, type RecordedRun, runFolder, runPaths } from "./run_folder.ts";

/** Key of what the table is of, in its metadata. */
const SOURCE_KEY = "losskit";

/** What a table was made of: the files of every run, null where one was missing or in the making. */
interface Source {
  readonly format: "losskit-table/1";
  readonly runs: Readonly<Record<string, { manifest: FileStamp | null; journal: FileStamp | null }>>;
}

const stamps = v.strictObject({
  manifest: v.nullable(fileStampSchema),
  journal: v.nullable(fileStampSchema),
});
const schema: v.GenericSchema<unknown, Source> = v.strictObject({
  format: v.literal("losskit-table/1"),
  runs: v.record(v.string(), stamps),
});

/** The path of a sweep's table. */
export function stepTablePath(sweepDir: string): string {
  return join(sweepDir, "table.parquet");
}

/**
 * Reads a sweep's runs, and brings its `table.parquet` up to date: {@linkcode describedStepColumns}.
 *
 * @returns The runs, as {@linkcode readRuns} gives them.
 * @throws {UserError} when the folder holds no runs, or a damaged one, or cannot be written to.
 */
export function tabulateRuns(sweepDir: string): RecordedRun[] {
  const source = openCurrent(sweepDir) === undefined ? sourceOf(sweepDir) : undefined;
  const runs = readRuns(sweepDir); // after the stamps: what changes in between is no match later
  if (source !== undefined) {
    const metadata = { [SOURCE_KEY]: JSON.stringify(source) };
    writeFile(stepTablePath(sweepDir), encodeParquet(describedStepColumns(runs), metadata));
  }
  return runs;
}

/**
 * The training steps of a sweep's runs: of `table.parquet` while it is of the journals as they are, and else of the
 * journals.
 *
 * @throws {UserError} when the folder holds no runs, or a damaged one.
 */
export async function readStepColumns(sweepDir: string): Promise<StepColumns> {
  const file = openCurrent(sweepDir);
  return (file && await columnsOfFile(file)) ?? stepColumns(readRuns(sweepDir));
}

function sourceOf(sweepDir: string): Source {
  const runs = begunRuns(sweepDir).sort().map((id) => {
    const { manifest, journal } = runPaths(runFolder(sweepDir, id));
    return [id, { manifest: stampFile(manifest) ?? null, journal: stampFile(journal) ?? null }];
  });
  return { format: "losskit-table/1", runs: Object.fromEntries(runs) };
}

/** The folder's table, if it is whole and of the files as they are. */
function openCurrent(sweepDir: string): ParquetFile | undefined {
  try {
    const file = openParquet(stepTablePath(sweepDir));
    const { runs } = v.parse(schema, JSON.parse(parquetText(file, SOURCE_KEY) ?? "null"));
    const begun = begunRuns(sweepDir);
    const current = begun.length === Object.keys(runs).length && begun.every((id) => {
      const { manifest, journal } = runPaths(runFolder(sweepDir, id));
      const of = runs[id];
      return of?.manifest && of.journal && matchesStamp(manifest, of.manifest) &&
        matchesStamp(journal, of.journal);
    });
    return current ? file : undefined;
  } catch {
    return undefined; // it is missing, damaged or not ours: the journals are there
  }
}

/** The steps of a file; undefined: it is damaged, and the journals are there. */
async function columnsOfFile(file: ParquetFile): Promise<StepColumns | undefined> {
  try {
    const figures = () => new Float64Array(file.rows);
    const columns = {
      run: new Array<string>(file.rows),
      step: new Int32Array(file.rows),
      ...{ loss: figures(), lr: figures(), gradNorm: figures(), tokensPerSecond: figures() },
    };
    let count = 0;
    for (const { name, row, values } of await readParquet(file, Object.keys(columns))) {
      const column = columns[name as keyof typeof columns];
      if (Array.isArray(column)) {
        for (let i = 0; i < values.length; i++) column[row + i] = values[i] as string;
      } else column.set(values as ArrayLike<number>, row);
      count += values.length;
    }
    return count === file.rows * Object.keys(columns).length ? columns : undefined;
  } catch {
    return undefined;
  }
}
