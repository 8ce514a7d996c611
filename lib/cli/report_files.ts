/**
 * What a sweep's folder gets besides its runs: `report.html` and `table.parquet`, and the tables on the terminal.
 *
 * @module
 */
import { basename, join, relative, resolve } from "node:path";
import * as v from "valibot";
import { type CulpritFinding, DEFAULT_TOLERANCE, summarize } from "../analysis/mod.ts";
import { figurePng, figureSvg, renderReport, reportFigures } from "../figure/mod.ts";
import { exists } from "../file/exists.ts";
import { shellWord } from "../file/shell_word.ts";
import { writeFile } from "../file/write_file.ts";
import { readJson, readSweep, type RecordedRun, tabulateRuns } from "../record/mod.ts";
import { openSweep } from "./open_sweep.ts";

/** The folder in which the commands of a report are typed. */
const ROOT = resolve(import.meta.dirname!, "..", "..");

/**
 * Reads a folder's runs, prints their tables, and writes their report and their table of steps.
 *
 * @param dir The sweep's folder.
 * @param options The report's `title`, the `tolerance` in nats (default 0.01), and where to `print`.
 * @returns The report's path.
 */
export async function writeReport(
  dir: string,
  options: { title: string; tolerance?: number; print: (line: string) => void },
): Promise<string> {
  const { print, title, tolerance = DEFAULT_TOLERANCE } = options;
  const { runs, leftOut } = openSweep(dir, print, (dir) => tabulateRuns(dir, { note: print }));
  const summary = summarize(runs, tolerance);
  print(`\n${summary.text}`);
  const path = join(dir, "report.html");
  const culprits = readCulprits(dir);
  writeFile(
    path,
    await renderReport({
      title,
      runs,
      leftOut,
      tolerance,
      culprits,
      reproduce: reproduceCommands(dir, runs),
    }),
  );
  return path;
}

/**
 * Sets the runs of several folders side by side, such as a CPU's and a GPU's: prints their tables and writes one report.
 *
 * @param dirs Sweeps' folders.
 * @param options The page's path, the `tolerance` in nats, and where to `print`.
 */
export async function writeJointReport(
  dirs: readonly string[],
  options: { out: string; tolerance: number; print: (line: string) => void },
): Promise<void> {
  const { out, tolerance, print } = options;
  const folders = dirs.map((dir) => ({ dir, ...openSweep(dir, print) }));
  const runs = folders.flatMap(({ runs }) => runs), leftOut = folders.flatMap(({ leftOut }) => leftOut);
  print(`\n${summarize(runs, tolerance).text}`);
  const title = dirs.map((dir) => basename(resolve(dir))).join(" and ");
  const culprits = dirs.flatMap(readCulprits);
  const reproduce = folders.flatMap(({ dir, runs }) => reproduceCommands(dir, runs));
  writeFile(out, await renderReport({ title, runs, leftOut, tolerance, culprits, reproduce }));
}

/**
 * Returns the commands that make a folder's runs again, for losskit's own folder: what the plan lists and the folder
 * lacks, then its first run. They hold whatever planned the runs: a spec, flags, `train`, `experiment` or `compare`.
 */
export function reproduceCommands(dir: string, runs: readonly RecordedRun[]): string[] {
  const inside = relative(ROOT, resolve(dir));
  const folder = inside === "" || inside.startsWith("..") ? resolve(dir) : inside;
  const word = (path: string) => shellWord(path.startsWith("-") ? `./${path}` : path);
  return [
    ...(exists(join(dir, "plan.json")) ? [`deno task sweep --resume --out ${word(folder)}`] : []),
    ...runs.slice(0, 1).map(({ manifest }) =>
      `deno task reproduce ${word(join(folder, "runs", manifest.runId))}`
    ),
  ];
}

/**
 * Writes every figure of a folder's report into files of their own, `figures/NUMBER-TITLE`, without a browser.
 *
 * @returns The files' paths.
 */
export async function writeFigures(
  dir: string,
  { kind, tolerance }: { kind: "svg" | "png"; tolerance: number },
): Promise<string[]> {
  const figures = reportFigures(readSweep(dir).runs, tolerance, readCulprits(dir)).flatMap(({ figures }) =>
    figures
  );
  const folder = join(dir, "figures");
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

/** What the report shows of culprits. */
const shown = v.object({
  format: v.literal("losskit-compare/1"),
  culprits: v.array(v.looseObject({
    setting: v.string(),
    precision: v.string(),
    effect: v.string(),
    sentence: v.string(),
    search: v.looseObject({
      alone: v.array(v.object({
        part: v.object({ layers: v.array(v.string()), opClass: v.string() }),
        share: v.union([v.number(), v.pipe(v.string(), v.transform(Number))]),
      })),
    }),
  })),
});

/**
 * The culprits that `compare` left in a folder; none where it left none.
 *
 * @throws {UserError} when what it left is damaged.
 */
export function readCulprits(dir: string): CulpritFinding[] {
  const path = join(dir, "compare.json");
  try {
    Deno.statSync(path);
  } catch {
    return [];
  }
  return readJson(path, shown, "what compare leaves in a folder").culprits as unknown as CulpritFinding[];
}
