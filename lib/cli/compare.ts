/** `deno task compare`: whether a lower precision changes the loss, by how much, from which step, beyond seed noise. */
import { printable } from "../error/printable.ts";
import { basename, dirname, join, resolve } from "node:path";
import {
  BASELINE,
  compareGroups,
  comparePairs,
  type Comparison,
  comparisonJson,
  comparisonText,
  type CulpritFinding,
  DEFAULT_LEVEL,
  DEFAULT_TOLERANCE,
  formatTable,
  gapGrids,
  gridSentences,
  gridTable,
  isBaseline,
  type NamedComparison,
  otherSeeds,
  pairNotes,
  pairProblem,
  percent,
  verdictOf,
  verdictTable,
} from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { parseJson } from "../file/json.ts";
import { sealJson } from "../file/sealed_json.ts";
import { writeFile } from "../file/write_file.ts";
import { readRun, type RecordedRun, runFolder, runPaths } from "../record/mod.ts";
import {
  DEFAULT_SWEEP,
  makePlan,
  parseSweepSpec,
  placePlan,
  readPlan,
  runSweep,
  sweepFolder,
  type SweepSpec,
} from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import {
  command,
  DEFAULT_FOLDER_HELP,
  onlyRead,
  runCommand,
  STATUS_HELP,
  TOLERANCE_HELP,
} from "./command.ts";
import { culpritByLoss, culpritByReplay } from "../study/culprit.ts";
import { isFile, isFolder } from "./files.ts";
import { numberOption } from "./numbers.ts";
import { openSweep } from "./open_sweep.ts";
import { writeReport } from "./report_files.ts";
import { readSpec, workersOf } from "./spec_file.ts";

/** The built-in comparison: a small model on Shakespeare's characters, 5 seeds, the whole validation part. */
const DEFAULT_COMPARISON: SweepSpec = {
  ...DEFAULT_SWEEP,
  name: "compare",
  vocab: ["character"],
  seq: [64],
  seeds: [1, 2, 3, 4, 5],
  steps: 200,
  nLayer: 2,
  nHead: 2,
  nEmbd: 64,
  evalEvery: 200,
  evalTokens: "all",
};

interface Options {
  out?: string;
  json?: string;
  workers?: number;
  tolerance: number;
  level: number;
  culprit: string;
}

/** When and by what a culprit is looked for. */
const CULPRIT = ["auto", "replay", "loss", "none"] as const;

/** How many comparisons are shown in full. */
const IN_FULL = 3;

/** Options of the verdict, checked. */
interface Judging {
  readonly tolerance: number;
  readonly level: number;
  readonly culprit: typeof CULPRIT[number];
  readonly workers: number;
}

const program = command(
  "compare",
  "Says whether a lower precision changes the loss: by how much, from which step on, and beyond seed noise.",
)
  .argument("[what]", "a run's folder, with another to hold against it; a sweep's folder; or a spec to train")
  .argument("[run]", "the run in the lower precision, or of another seed")
  .option(
    "--out <folder>",
    `where a spec's runs and report go (default: ${DEFAULT_FOLDER_HELP})`,
  )
  .option(
    "--workers <n>",
    "runs at once, which share the cores (default: 2 where there are 2 cores)",
    numberOption("--workers"),
  )
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option("--level <share>", "how sure intervals and limits are", numberOption("--level"), DEFAULT_LEVEL)
  .option(
    "--culprit <how>",
    "auto: by replaying a step, where the verdict is degraded or diverged; replay: always; loss: by training too; none",
    "auto",
  )
  .option("--json <file>", "where to write what it comes to; of a folder, beside its compare.json, in brief")
  .addHelpText("after", STATUS_HELP)
  .action(compare);

async function compare(what: string | undefined, run: string | undefined, options: Options): Promise<void> {
  const judging = judgingOf(options);
  const reads = what !== undefined && (run !== undefined || isFolder(what));
  if (reads && judging.culprit === "none") onlyRead();
  if (what !== undefined && run !== undefined) {
    return compareTwo(what, run, { ...judging, json: options.json });
  }
  if (what !== undefined && isFolder(what)) {
    if (isFile(runPaths(what).manifest)) {
      throw new UserError(`Cannot compare ${what}: wanted a second run to hold it against: given one run`);
    }
    return await compareFolder(what, { ...judging, json: options.json });
  }
  if (what !== undefined && !isFile(what) && !/\.(json|[mc]?[jt]s)$/.test(what)) {
    throw new UserError(
      `Cannot compare ${what}: wanted a run's or a sweep's folder, or a spec (.json, or .ts with a default export): ` +
        "there is nothing of this name",
    );
  }
  const dir = await trainSpec(what, options);
  if (dir !== undefined) await compareFolder(dir, { ...judging, json: options.json });
}

function judgingOf({ tolerance, level, culprit, workers }: Options): Judging {
  const how = CULPRIT.find((one) => one === culprit);
  if (how === undefined) {
    throw new UserError(`Cannot compare: --culprit must be one of ${CULPRIT.join(", ")}: it is ${culprit}`);
  }
  return { tolerance, level, culprit: how, workers: workersOf(workers) };
}

/** Reads two runs. Other seeds beside them in their folders tell how far seeds lie apart. */
async function compareTwo(
  a: string,
  b: string,
  options: Judging & { json: string | undefined },
): Promise<void> {
  const [first, second] = inOrder(readRun(a), readRun(b));
  const problem = pairProblem(first, second);
  if (problem !== undefined) throw new UserError(`Cannot compare ${a} and ${b}: ${problem}`);
  for (const note of pairNotes(first, second)) console.log(`note: ${note}`);
  const { spec } = first.manifest;
  const seeds = otherSeeds(first, [a, b].flatMap(neighbours), [spec.seed, second.manifest.spec.seed]);
  const comparison = comparePairs([{ baseline: first, other: second }], { ...options, seeds });
  const setting = `${spec.tokenizer}, T = ${spec.T}`;
  print([{ setting, comparison }]);
  const culprits = await look(options, comparison, () =>
    culpritByReplay({ baseline: first, other: second }, {
      folder: first.manifest.runId === readRun(a).manifest.runId ? a : b,
      setting,
      print: (line) => console.log(line),
    }));
  if (options.json !== undefined) {
    writeFile(options.json, comparisonJson([{ setting, comparison }], { culprits }));
  }
}

/** Looks for a culprit where it is asked for, or the verdict has one. A search that nobody asked for may fail. */
async function look(
  { culprit }: Judging,
  comparison: Comparison,
  search: () => Promise<CulpritFinding>,
): Promise<CulpritFinding[]> {
  const { kind } = verdictOf(comparison);
  const asked = culprit === "replay" || culprit === "loss";
  const wanted = asked || culprit === "auto" && (kind === "degraded" || kind === "diverged");
  if (!wanted || comparison.differs !== "precision" || comparison.precision.baseline !== BASELINE) return [];
  try {
    const found = await search();
    console.log(found.sentence);
    return [found];
  } catch (error) {
    if (asked || !(error instanceof UserError)) throw error;
    console.error(`note: no culprit is found: ${printable(error.message)}`);
    return [];
  }
}

/** float32 before what is lower, as it was given otherwise. */
function inOrder(a: RecordedRun, b: RecordedRun): [RecordedRun, RecordedRun] {
  return !isBaseline(a.manifest.spec) && isBaseline(b.manifest.spec) ? [b, a] : [a, b];
}

/** The runs of the sweep that a run's folder is part of; none where it is part of none that can be read. */
function neighbours(folder: string): RecordedRun[] {
  const runs = dirname(resolve(folder));
  if (basename(runs) !== "runs") return [];
  return [...openSweep(dirname(runs), (line) => console.log(line)).runs];
}

/** Trains a spec's runs, or what is left of them. Undefined: interrupted, or none of them finished. */
async function trainSpec(path: string | undefined, options: Options): Promise<string | undefined> {
  requireDevice();
  const spec = path === undefined
    ? DEFAULT_COMPARISON
    : parseSweepSpec(await readSpec(path), path, DEFAULT_COMPARISON);
  const workers = workersOf(options.workers);
  const dir = options.out ?? sweepFolder(spec);
  const threads = readPlan(dir)?.threads ?? Math.max(1, Math.floor(navigator.hardwareConcurrency / workers));
  const plan = await makePlan(spec, threads);
  if (plan.runs.every((run) => isBaseline(run.spec)) || !plan.runs.some((run) => isBaseline(run.spec))) {
    throw new UserError(
      `Cannot compare ${path}: wanted runs in float32, without overrides, and runs in a lower precision: its policy is ${
        JSON.stringify(spec.policy)
      }`,
    );
  }
  placePlan(dir, plan);
  using interruption = watchSignals();
  console.error(`${plan.runs.length} runs into ${printable(dir)}, ${workers} at once`);
  const outcome = await runSweep(plan, { dir, workers, interruption });
  Deno.exitCode = outcome.exitCode;
  for (const { id, reason } of outcome.failed) console.error(`failed: ${id}: ${printable(reason)}`);
  if (outcome.exitCode === EXIT.interrupted) {
    console.error("interrupted: run the same command to go on");
    return undefined;
  }
  return outcome.finished > 0 ? dir : undefined;
}

/** Compares all pairs of a sweep's folder, and leaves `compare.json` and `report.html` in it. */
async function compareFolder(
  dir: string,
  judging: Judging & { json: string | undefined },
): Promise<void> {
  const { runs, leftOut } = openSweep(dir, (line) => console.log(line));
  const compared = compareGroups(runs, judging);
  if (compared.length === 0) {
    throw new UserError(
      `Cannot compare the runs of ${dir}: wanted a finished run in float32 and one that differs in its precision ` +
        "alone: there are no such two",
    );
  }
  for (const { setting, unfinished } of compared) {
    if (unfinished > 0) console.log(`note: ${setting}: ${unfinished} pairs are left out, not being finished`);
  }
  print(compared);
  const grids = gapGrids(runs, judging.level);
  for (const grid of grids) {
    console.log(`\n${formatTable(gridTable(grid))}\n\n${gridSentences(grid).join("\n")}`);
  }
  const culprits: CulpritFinding[] = [];
  for (const { setting, comparison, pairs } of compared) {
    const common = { setting, print: (line: string) => console.log(line) };
    const [pair] = pairs;
    const replayed = await look(
      judging,
      comparison,
      () => culpritByReplay(pair!, { ...common, folder: runFolder(dir, pair!.baseline.manifest.runId) }),
    );
    for (const one of replayed) culprits.push(one);
    if (judging.culprit !== "loss") continue;
    using interruption = watchSignals();
    const hint = replayed[0]?.search.lowered.parts;
    const trained = await look(
      judging,
      comparison,
      () => culpritByLoss(pairs, { ...common, dir, hint, interruption, workers: judging.workers }),
    );
    for (const one of trained) culprits.push(one);
  }
  const json = comparisonJson(compared, { culprits, grids, leftOut });
  writeFile(join(dir, "compare.json"), sealJson(parseJson(json) as object, 1));
  if (judging.json !== undefined) {
    const { environment: { cpuModel, device, tensorflowVersion, rounding }, spec } = runs[0]!.manifest;
    const more = {
      environment: { cpuModel, device, tensorflowVersion, rounding, threads: spec.threads },
      spec,
      culprits,
      grids,
    };
    writeFile(judging.json, comparisonJson(compared, more, { brief: true }));
  }
  const report = await writeReport(dir, { title: basename(resolve(dir)), print: () => {} });
  console.log(`\nreport: ${printable(report)}`);
}

/** Few comparisons in full, many as a table with a verdict each. */
function print(compared: readonly NamedComparison[]): void {
  if (compared.length <= IN_FULL) {
    return console.log(
      compared.map(({ setting, comparison }) => comparisonText(comparison, setting)).join("\n\n\n"),
    );
  }
  const sentences = compared.map(({ setting, comparison }) =>
    `${setting}: ${verdictOf(comparison).sentence}`
  );
  const { level } = compared[0]!.comparison;
  console.log(
    `${formatTable(verdictTable(compared))}\n\n${
      sentences.join("\n")
    }\n\nEach verdict is for itself: without an effect, ` +
      `${percent(1 - level)} of them would say degraded or improved.`,
  );
}

if (import.meta.main) await runCommand(program, Deno.args);
