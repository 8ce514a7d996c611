/**
 * `table.parquet`: the training steps of a sweep in one file. The file is derived from the journals and can be deleted.
 * Readers ignore the file if its checksum is wrong, or a journal has changed since.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { clauseOf } from "../error/clause.ts";
import { writeFile } from "../file/write_file.ts";
import { STEP_FORM } from "./column_types.ts";
import { describedStepPieces, type StepColumns, stepColumns } from "./columns.ts";
import { isIntact, seal, UNSEALED } from "./_seal.ts";
import { type FileStamp, fileStampSchema, matchesStamp, stampFile } from "./file_stamp.ts";
import { encodeParquet, openParquet, type ParquetFile, parquetText, readParquet } from "./parquet.ts";
import { runPaths } from "./run_folder.ts";
import { type ListedRun, listRuns, readRuns, readSweep, type SweepRecords } from "./sweep_records.ts";

/** Metadata key of the table's source. */
const SOURCE_KEY = "losskit";

/** Metadata key of the table's checksum. */
const SEAL_KEY = "losskit-sha256";

/** Format of tables of version 0.1, which have no checksum. */
const UNSEALED_FORMAT = '"losskit-table/1"';

/** Source of a table: stamps of every run's files. Null for files that were missing or changing. */
interface Source {
  readonly format: "losskit-table/2";
  readonly runs: Readonly<Record<string, { manifest: FileStamp | null; journal: FileStamp | null }>>;
}

const stamps = v.strictObject({
  manifest: v.nullable(fileStampSchema),
  journal: v.nullable(fileStampSchema),
});
const schema: v.GenericSchema<unknown, Source> = v.strictObject({
  format: v.literal("losskit-table/2"),
  runs: v.record(v.string(), stamps),
});

/** Returns the path of a sweep's table. */
export function stepTablePath(sweepDir: string): string {
  return join(sweepDir, "table.parquet");
}

/** Options of {@linkcode tabulateRuns} and {@linkcode readStepColumns}. */
export interface TableOptions {
  /** Receives a message if the table is damaged and therefore ignored. Default: `console.warn`. */
  readonly note?: (line: string) => void;
}

/**
 * Reads a sweep's runs, and updates `table.parquet` if the journals have changed. The table contains the rows of
 * {@linkcode describedStepColumns} for all readable runs.
 *
 * @returns The result of {@linkcode readSweep}.
 * @throws {UserError} If the folder has no runs, or is not writable.
 */
export function tabulateRuns(sweepDir: string, options: TableOptions = {}): SweepRecords {
  const stamps = openCurrent(sweepDir, options) === undefined ? stampRuns(sweepDir) : undefined;
  const records = readSweep(sweepDir); // after the stamps, so that later changes invalidate the table
  if (stamps !== undefined) {
    const read = new Set(records.runs.map(({ manifest }) => manifest.runId));
    const runs = Object.fromEntries(Object.entries(stamps).filter(([id]) => read.has(id)));
    const source: Source = { format: "losskit-table/2", runs };
    const metadata = { [SOURCE_KEY]: JSON.stringify(source), [SEAL_KEY]: UNSEALED };
    writeFile(
      stepTablePath(sweepDir),
      seal(encodeParquet(describedStepPieces(records.runs), STEP_FORM, metadata)),
    );
  }
  return records;
}

/**
 * Returns the training steps of a sweep's runs. Reads `table.parquet` if the table is intact and current, otherwise the
 * journals.
 *
 * @throws {UserError} If the folder has no runs, or a run is damaged.
 */
export async function readStepColumns(sweepDir: string, options: TableOptions = {}): Promise<StepColumns> {
  const file = openCurrent(sweepDir, options);
  return (file && await columnsOfFile(file)) ?? stepColumns(readRuns(sweepDir));
}

function stampRuns(sweepDir: string): Source["runs"] {
  const runs = begunRuns(sweepDir).map(({ id, folder }) => {
    const { manifest, journal } = runPaths(folder);
    return [id, { manifest: stampFile(manifest) ?? null, journal: stampFile(journal) ?? null }] as const;
  });
  return Object.fromEntries(runs);
}

function begunRuns(sweepDir: string): ListedRun[] {
  return listRuns(sweepDir).filter(({ state }) => state === "begun");
}

/** Opens the folder's table if it is intact and current. Reports a damaged table. */
function openCurrent(sweepDir: string, { note = console.warn }: TableOptions): ParquetFile | undefined {
  const opened = openIntact(stepTablePath(sweepDir));
  if (opened === undefined) return undefined;
  if ("damage" in opened) {
    note(
      `note: ${stepTablePath(sweepDir)} is damaged: ${opened.damage}. The journals are used instead.`,
    );
    return undefined;
  }
  const { file, runs } = opened;
  const begun = begunRuns(sweepDir);
  const current = begun.length === Object.keys(runs).length && begun.every(({ id, folder }) => {
    const { manifest, journal } = runPaths(folder);
    const of = runs[id];
    return of?.manifest && of.journal && matchesStamp(manifest, of.manifest) &&
      matchesStamp(journal, of.journal);
  });
  return current ? file : undefined;
}

/** Opens a table with a valid checksum. Returns undefined for a missing table or one without a checksum. */
function openIntact(
  path: string,
): { file: ParquetFile; runs: Source["runs"] } | { damage: string } | undefined {
  try {
    const file = openParquet(path);
    const checksum = parquetText(file, SEAL_KEY), source = parquetText(file, SOURCE_KEY);
    if (checksum === undefined && source?.includes(UNSEALED_FORMAT)) return undefined;
    if (checksum === undefined || !isIntact(file.bytes, checksum)) {
      return { damage: "its content does not match its checksum" };
    }
    return { file, runs: v.parse(schema, JSON.parse(source ?? "null")).runs };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    return { damage: clauseOf(error) };
  }
}

/** Returns the steps of a table. Returns undefined for a damaged file; the journals are used then. */
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
