/**
 * `exportRuns()`: exports a sweep's records for other programs.
 *
 * @module
 */
import { join } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
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
  type LeftOutRun,
  PROBE_FORM,
  probeColumns,
  type RecordedRun,
  RESULT_FORM,
  RUN_FORM,
  runColumns,
  seriesOf,
  STEP_FORM,
  type TableForm,
  tensorBoardPath,
} from "../record/mod.ts";
import { type ExportedFile, writeExport } from "./_export_folder.ts";
import { openRecords } from "./open_records.ts";

/** Formats of exported files. */
export const EXPORT_FORMATS = ["parquet", "arrow", "tensorboard"] as const;

/** A format of exported files. */
export type ExportFormat = typeof EXPORT_FORMATS[number];

/** Options of {@linkcode exportRuns}. */
export interface ExportOptions {
  /** Formats of the files. Default: `parquet` only. */
  readonly formats?: readonly ExportFormat[] | undefined;
  /** Output folder. Default: `export` in the sweep's folder. */
  readonly out?: string | undefined;
  /** Receives warnings about excluded runs. Default: discards them. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Names of the options. */
const NAMES = optionNames<ExportOptions>({ formats: true, out: true, print: true });

/** Result of {@linkcode exportRuns}. */
export interface Exported {
  /** Paths of the written files. */
  readonly files: readonly string[];
  /** Notes about files of earlier exports in other formats, which were kept. */
  readonly notes: readonly string[];
  /** Runs that were excluded because their records are unreadable. */
  readonly leftOut: readonly LeftOutRun[];
}

const FILES_OF: Readonly<Record<ExportFormat, (runs: readonly RecordedRun[]) => readonly ExportedFile[]>> = {
  parquet: (runs) => tableFiles(runs, "parquet", { steps: describedStepPieces, encode: encodeParquet }),
  arrow: (runs) =>
    tableFiles(runs, "arrow", {
      steps: (runs) => [describedStepColumns(runs)],
      encode: ([columns], form) => encodeArrow(columns!, form),
    }),
  tensorboard: eventFiles,
};

/**
 * Returns words as export formats.
 *
 * @param words The words.
 * @param at `action`: the failing action in the error `Cannot <action>`. `given`: description of a list without words.
 * @throws {UserError} If a word is no format, or if there is no word.
 */
export function exportFormats(
  words: readonly string[],
  { action, given }: { action: string; given: string },
): readonly ExportFormat[] {
  const unknown = words.find((word) => !(EXPORT_FORMATS as readonly string[]).includes(word));
  if (unknown === undefined && words.length > 0) return words as readonly ExportFormat[];
  const shown = JSON.stringify(unknown ?? given);
  throw new UserError(`Cannot ${action}: expected a list of ${EXPORT_FORMATS.join(", ")}, got ${shown}.`);
}

/**
 * Exports the records of a sweep as Parquet, Arrow or TensorBoard files: runs, steps, evaluations and, if recorded,
 * probes.
 *
 * @param dir The sweep's folder.
 * @param options Formats, output folder, and output of warnings.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If the folder contains no runs, a format is unknown, or the export would replace a file that no
 * earlier export wrote.
 */
export function exportRuns(dir: string, options: ExportOptions = {}): Exported {
  requireKnownNames(options, NAMES, "export");
  const { out = join(dir, "export"), print = () => {} } = options;
  const formats = exportFormats(options.formats ?? ["parquet"], { action: "export", given: "none" });
  const { runs, leftOut } = openRecords(dir, print);
  const files: string[] = [], notes: string[] = [];
  writeExport(out, Object.fromEntries(formats.map((format) => [format, FILES_OF[format](runs)])), {
    file: (path) => files.push(path),
    note: (line) => notes.push(line),
  });
  return { files, notes, leftOut };
}

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
    runTable(runs).objects() as Record<string, unknown>[],
    RESULT_FORM,
  );
  const tables: Record<string, [Iterable<Columns>, TableForm]> = {
    steps: [format.steps(runs), STEP_FORM],
    evals: [[evalColumns(runs)], EVAL_FORM],
    ...(runs.some((run) => seriesOf(run).probed.length > 0) && {
      probes: [[probeColumns(runs)], PROBE_FORM],
    }),
    runs: [[{ ...runColumns(runs), ...results }], { ...RUN_FORM, ...RESULT_FORM }],
  };
  return Object.entries(tables).map(([name, [pieces, form]]) => ({
    path: `${name}.${extension}`,
    bytes: () => format.encode(pieces, form),
  }));
}
