/**
 * `report()`: writes the report of recorded sweeps: tables, `report.html`, `table.parquet` and figures.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { briefText, DEFAULT_TOLERANCE, summarize } from "../analysis/mod.ts";
import { printable } from "../error/printable.ts";
import { UserError } from "../error/user_error.ts";
import { type Figure, figurePng, figureSvg, renderReport, reportFigures } from "../figure/mod.ts";
import { isFolder } from "../file/exists.ts";
import { requireFilePath, writeFile } from "../file/write_file.ts";
import { type LeftOutRun, tabulateRuns } from "../record/mod.ts";
import { distinctFolders, withoutCopies } from "./_distinct_runs.ts";
import { openRecords } from "./open_records.ts";
import { readCulprits, reproduceCommands } from "./report_facts.ts";
import { runFlops } from "./run_flops.ts";
import { sweepProgress } from "./sweep_progress.ts";

/** Options of {@linkcode report}. */
export interface ReportOptions {
  /** Title of the page. Default: names of the folders. */
  readonly title?: string | undefined;
  /** Smallest gap of the final validation loss that matters, in nats per token. Default: 0.01. */
  readonly tolerance?: number | undefined;
  /** Path of the written page. Default for one folder: `report.html` in that folder. Required for several folders. */
  readonly out?: string | undefined;
  /**
   * File format in which each figure is also written to `figures/NUMBER-TITLE` in the sweep's folder. Only for one
   * folder. Default: no such files.
   */
  readonly figures?: "svg" | "png" | undefined;
  /** Receives warnings, then the tables, or their summary if `brief` is true, line by line. Default: discards them. */
  readonly print?: ((line: string) => void) | undefined;
  /** True to print a summary with one line per setting, instead of tables of all runs and pairs. Default: false. */
  readonly brief?: boolean | undefined;
}

/** Names of the options. */
const NAMES = optionNames<ReportOptions>({
  title: true,
  tolerance: true,
  out: true,
  figures: true,
  print: true,
  brief: true,
});

/** Files and text of a report. */
export interface WrittenReport {
  /** Path of the page. */
  readonly path: string;
  /** Paths of the written figures. Empty unless `figures` was given. */
  readonly figures: readonly string[];
  /** Tables and sentences as text. */
  readonly text: string;
  /** Runs that were excluded because their records are unreadable. */
  readonly leftOut: readonly LeftOutRun[];
}

/**
 * Writes the report of one sweep (`report.html` and `table.parquet`), or one page that compares several sweeps.
 *
 * @param dirs Folder of one sweep, or a list of folders of several sweeps, for example one from a CPU and one from a
 * GPU.
 * @returns Paths of the page and the figures, and the tables as text.
 * @throws {RangeError} For an unknown option, or without a folder.
 * @throws {UserError} If a folder contains no runs, `out` is missing for several folders, or a file cannot be written.
 */
export async function report(
  dirs: string | readonly string[],
  options: ReportOptions = {},
): Promise<WrittenReport> {
  requireKnownNames(options, NAMES, "report");
  const folders = typeof dirs === "string" ? [dirs] : distinctFolders(dirs);
  const { tolerance = DEFAULT_TOLERANCE, out, figures: kind, print = () => {} } = options;
  const [first] = folders;
  if (first === undefined) throw new RangeError("Cannot report: expected a sweep's folder, got none.");
  const isJoint = folders.length > 1 || out !== undefined;
  if (folders.length > 1 && out === undefined) {
    throw new UserError(
      `Cannot report on ${folders.length} folders: expected a file for the joint report, got none. Name it with --out.`,
    );
  }
  if (isJoint && kind !== undefined) {
    throw new UserError("Cannot write figures of a joint report. Pass one folder and no --out.");
  }
  const path = out ?? join(first, "report.html");
  if (out !== undefined || isFolder(first)) requireFilePath(path); // openRecords reports a missing folder
  const opened = folders.map((dir) => ({
    dir,
    ...openRecords(dir, print, isJoint ? undefined : (dir) => tabulateRuns(dir, { note: print })),
  }));
  const records = withoutCopies(opened, (line) => print(printable(line)));
  const runs = records.flatMap(({ runs }) => runs), leftOut = records.flatMap(({ leftOut }) => leftOut);
  const summary = summarize(runs, tolerance), { text } = summary;
  print(`\n${options.brief ? briefText(summary) : text}`);
  const title = options.title ?? folders.map((dir) => basename(resolve(dir))).join(" and ");
  const culprits = folders.flatMap(readCulprits);
  const reproduce = records.flatMap(({ dir, runs }) => reproduceCommands(dir, runs));
  const flops = new Map(records.flatMap(({ dir, runs }) => [...runFlops(dir, runs)]));
  const warn = (reason: string) => print(`warning: ${printable(reason)}`);
  const progress = isJoint ? undefined : sweepProgress(first, runs, warn);
  writeFile(
    path,
    await renderReport({ title, runs, leftOut, tolerance, summary, culprits, reproduce, flops, progress }),
  );
  const figures = kind === undefined
    ? []
    : await writeFigures(reportFigures(runs, tolerance, culprits).flatMap(({ figures }) => figures), {
      folder: join(first, "figures"),
      kind,
    });
  return { path, figures, text, leftOut };
}

async function writeFigures(
  figures: readonly Figure[],
  { folder, kind }: { folder: string; kind: "svg" | "png" },
): Promise<string[]> {
  const paths: string[] = [];
  for (const [i, figure] of figures.entries()) {
    const name = figure.title.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "")
      .slice(0, 60);
    const path = join(folder, `${String(i + 1).padStart(2, "0")}-${name}.${kind}`);
    writeFile(path, kind === "svg" ? figureSvg(figure) : await figurePng(figure));
    paths.push(path);
  }
  return paths;
}
