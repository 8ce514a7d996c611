/**
 * `compareFolder()` and `compareRunFolders()`: compare recorded runs, search for culprits, and write `compare.json` and the
 * report.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import {
  BASELINE,
  type ComparedGroup,
  comparePairs,
  type Comparison,
  comparisonJson,
  count,
  type CulpritFinding,
  DEFAULT_LEVEL,
  DEFAULT_TOLERANCE,
  isBaseline,
  type NamedComparison,
  otherSeeds,
  pairNotes,
  pairProblem,
  perturbedPairs,
  plainText,
  verdictOf,
} from "../analysis/mod.ts";
import { printable } from "../error/printable.ts";
import { type Interruption, interruptionOf } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { isFile } from "../file/exists.ts";
import { parseJson } from "../file/json.ts";
import { sealJson } from "../file/sealed_json.ts";
import { requireFilePath, writeFile } from "../file/write_file.ts";
import { type LeftOutRun, readRun, type RecordedRun, runFolder, runPaths } from "../record/mod.ts";
import { workersOf } from "../run/mod.ts";
import { compare, type CompareOptions, comparisonsText, type RunsComparison } from "./compare.ts";
import { culpritByLoss, culpritByReplay } from "./culprit.ts";
import { openRecords } from "./open_records.ts";
import { report } from "./report.ts";

/**
 * Kinds of search for a culprit. `auto`: replays a training step if the verdict is degraded. `loss`: as `auto`, and
 * also trains runs with candidate parts in float32. `replay`: replays a step for every verdict. `none`: no search.
 */
export const CULPRIT_SEARCHES = ["auto", "replay", "loss", "none"] as const;

/** Options of {@linkcode compareFolder}. */
export interface CompareFolderOptions extends CompareOptions {
  /** Kind of search for a culprit. Default: `auto`. */
  readonly culprit?: typeof CULPRIT_SEARCHES[number] | undefined;
  /** Number of concurrent runs, for the search `loss`. Default: 2, or 1 on one core. */
  readonly workers?: number | undefined;
  /** Signal that stops the search `loss` after the current steps. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Starts a watch for signals of the process, used instead of `signal`. Called when the search `loss` begins. */
  readonly watch?: (() => Interruption) | undefined;
  /** Receives a note if no search takes place, or the search `auto` finds no culprit. Default: `print`. */
  readonly note?: ((line: string) => void) | undefined;
  /** Receives warnings, the comparison's text, and the progress of searches. Default: discards them. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Names of the options. */
const NAMES = optionNames<CompareFolderOptions>({
  tolerance: true,
  level: true,
  culprit: true,
  workers: true,
  signal: true,
  watch: true,
  note: true,
  print: true,
});

/** Comparison of the runs in a sweep's folder. */
export interface FolderComparison extends RunsComparison {
  /** The culprits found: the parts of the model whose precision causes a gap. */
  readonly culprits: readonly CulpritFinding[];
  /** Runs that were excluded because their records are unreadable. */
  readonly leftOut: readonly LeftOutRun[];
  /** Path of the report, `report.html`. */
  readonly report: string;
  /** The comparison as JSON text: verdicts and intervals, without the losses of single steps. */
  readonly json: string;
}

/**
 * Compares the runs of a sweep's folder, searches for culprits, and writes `compare.json` and `report.html` into the folder.
 *
 * @param dir The sweep's folder.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If the folder contains no runs, or no finished pair.
 */
export async function compareFolder(
  dir: string,
  options: CompareFolderOptions = {},
): Promise<FolderComparison> {
  requireKnownNames(options, NAMES, "compare");
  const { print = () => {} } = options;
  if (isFile(runPaths(dir).manifest)) {
    throw new UserError(`Cannot compare ${dir}: expected a second run to compare it with, got one run.`);
  }
  const { runs, leftOut } = openRecords(dir, print);
  for (const name of ["compare.json", "report.html"]) requireFilePath(join(dir, name)); // before a long search
  const comparison = compareOrRefuse(dir, runs, options);
  const { groups, grids } = comparison;
  for (const { setting, unfinished, comparison: { precision } } of groups) {
    if (unfinished === 0) continue;
    const name = `${plainText(precision.other)}, ${setting}`;
    print(
      `note: ${name}: ${count(unfinished, "unfinished pair")} ${unfinished === 1 ? "is" : "are"} excluded`,
    );
  }
  print(comparison.text);
  const culprits: CulpritFinding[] = [];
  for (const group of groups) {
    for (const culprit of await culpritsOf(dir, group, options)) culprits.push(culprit);
  }
  const json = comparisonJson(groups, { culprits, grids, leftOut });
  writeFile(join(dir, "compare.json"), sealJson(parseJson(json) as object, 1));
  const { path } = await report(dir);
  const { environment: { cpuModel, device, tensorflowVersion, rounding }, spec } = runs[0]!.manifest;
  const environment = { cpuModel, device, tensorflowVersion, rounding, threads: spec.threads };
  return {
    ...comparison,
    ...{ culprits, leftOut, report: path },
    json: comparisonJson(groups, { environment, spec, culprits, grids }, { brief: true }),
  };
}

function compareOrRefuse(
  dir: string,
  runs: readonly RecordedRun[],
  { tolerance, level }: CompareOptions,
): RunsComparison {
  try {
    return compare(runs, { tolerance, level });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UserError(`${cause.message} The runs are from ${dir}.`, { cause });
  }
}

/** Comparison of two runs. */
export interface PairComparison {
  /** Gaps and confidence intervals. */
  readonly comparison: Comparison;
  /** Tables, notes and the verdict as text. */
  readonly text: string;
  /** The culprits found: the parts of the model whose precision causes the gap. */
  readonly culprits: readonly CulpritFinding[];
  /** Runs of the same sweeps that were excluded because their records are unreadable. */
  readonly leftOut: readonly LeftOutRun[];
  /** The comparison as JSON text. */
  readonly json: string;
}

/**
 * Compares two recorded runs that differ only in precision or only in seed. If the runs are in sweep folders, the
 * differences between seeds and the noise floor are computed from the other runs there.
 *
 * @param a Folder of a run.
 * @param b Folder of another run. A float32 run is the baseline, also if it is `b`.
 * @throws {UserError} If a run cannot be read, or the runs differ in more than precision or seed.
 */
export async function compareRunFolders(
  a: string,
  b: string,
  options: CompareFolderOptions = {},
): Promise<PairComparison> {
  const { tolerance = DEFAULT_TOLERANCE, level = DEFAULT_LEVEL, print = () => {} } = options;
  const runs = [{ folder: a, run: readRun(a) }, { folder: b, run: readRun(b) }];
  const isSwapped = !isBaseline(runs[0]!.run.manifest.spec) && isBaseline(runs[1]!.run.manifest.spec);
  const [{ run: baseline, folder }, { run: other }] = (isSwapped ? runs.reverse() : runs) as [
    typeof runs[0],
    typeof runs[0],
  ];
  const problem = pairProblem(baseline, other);
  if (problem !== undefined) throw new UserError(`Cannot compare ${a} and ${b}: ${problem}`);
  for (const note of pairNotes(baseline, other)) print(`note: ${note}`);
  const { spec } = baseline.manifest;
  const records = [a, b].map((folder) => neighbours(folder, print));
  const seeds = otherSeeds(baseline, records.flatMap(({ runs }) => runs), [
    spec.seed,
    other.manifest.spec.seed,
  ]);
  const perturbed = perturbedPairs([baseline, ...records.flatMap(({ runs }) => runs)], baseline);
  const comparison = comparePairs([{ baseline, other }], { tolerance, level, seeds, perturbed });
  const named = { setting: `${spec.tokenizer}, T = ${spec.T}`, comparison, verdict: verdictOf(comparison) };
  const { setting } = named;
  const text = comparisonsText([named]);
  print(text);
  const culprits = await search(
    named,
    options,
    async () => [await culpritByReplay({ baseline, other }, { folder, setting, print })],
  );
  return {
    ...{ comparison, text, culprits, leftOut: records.flatMap(({ leftOut }) => leftOut) },
    json: comparisonJson([named], { culprits }),
  };
}

/** Returns the records of the sweep that contains a run's folder; no records if the run is in no sweep. */
function neighbours(folder: string, print: (line: string) => void): ReturnType<typeof openRecords> {
  const runs = dirname(resolve(folder));
  return basename(runs) === "runs" ? openRecords(dirname(runs), print) : { runs: [], leftOut: [] };
}

async function culpritsOf(
  dir: string,
  group: ComparedGroup,
  options: CompareFolderOptions,
): Promise<CulpritFinding[]> {
  const { print = () => {}, watch, tolerance = DEFAULT_TOLERANCE } = options;
  const { setting, pairs } = group, [pair] = pairs;
  const how = { folder: runFolder(dir, pair!.baseline.manifest.runId), setting, print };
  return await search(group, options, async () => {
    if (options.culprit !== "loss") return [await culpritByReplay(pair!, how)];
    using interruption = watch?.() ?? interruptionOf(options);
    const workers = workersOf(options.workers);
    return await culpritByLoss(pairs, { ...how, dir, workers, interruption, tolerance });
  });
}

/**
 * Searches for a culprit if the verdict is degraded, or if a replay is requested. Other gaps are none to explain. Failures of
 * automatic searches are only noted.
 */
async function search(
  { comparison, verdict: { kind } }: NamedComparison,
  { culprit = "auto", print = () => {}, note = print }: CompareFolderOptions,
  find: () => Promise<readonly CulpritFinding[]>,
): Promise<CulpritFinding[]> {
  if (comparison.differs !== "precision" || comparison.precision.baseline !== BASELINE) return [];
  if (culprit === "none" || culprit !== "replay" && kind !== "degraded") {
    const isNoted = culprit === "loss" || culprit === "auto" && kind === "diverged";
    if (isNoted) {
      note(
        `note: no search for a culprit: the verdict is ${kind}, not degraded; --culprit replay replays a step`,
      );
    }
    return [];
  }
  try {
    const found = await find();
    for (const { sentence } of found) print(sentence);
    return [...found];
  } catch (error) {
    if (culprit !== "auto" || !(error instanceof UserError)) throw error;
    note(`note: no culprit found: ${printable(error.message)}`);
    return [];
  }
}
