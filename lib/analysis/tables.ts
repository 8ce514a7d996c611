/**
 * Arquero tables of a sweep: one row per run, per pair or per step. `summary.ts` describes them; `format.ts` formats
 * them.
 *
 * @module
 */
import { type ColumnTable, table } from "./arquero.ts";
import { greatest, least } from "../number/extent.ts";
import {
  fieldText,
  isPerturbed,
  perturbationOf,
  readStepColumns,
  type RecordedRun,
  type RunSpec,
  seriesOf,
  stepColumns,
  varyingFields,
} from "../record/mod.ts";
import { median } from "./median.ts";
import { deviceOf, precisionName } from "./precision_name.ts";
import { codeOf, NAMED_FIELDS, textNamer } from "./settings.ts";
import { curveFindings } from "./_curve_findings.ts";
import { countNonFinite, DEFAULT_TOLERANCE, gapOf, type Pair } from "./stability.ts";

/** An Arquero table. Numbers may be NaN or infinite. Arquero's aggregates skip NaN and infinite numbers. */
export type Table = ColumnTable;

const RUN_COLUMNS = [
  "run",
  "data",
  "tokenizer",
  "T",
  "policy",
  "seed",
  "status",
  "steps",
  "valLoss",
  "bestValLoss",
  "bitsPerByte",
  "tokensPerSecond",
  "spikes",
  "nonFinite",
] as const;

/**
 * Returns a table with one row per run. Columns of the spec: `run` (ID), `data`, `tokenizer`, `T`, `policy` (with
 * overrides), `seed`, `perturbation` if a run is perturbed (`noise 1`, `order 1`, or `none`), and the other fields whose
 * values differ between runs. Columns of the result: `status`, `steps` (completed), `valLoss` (last) and `bestValLoss`
 * (lowest finite) in nats per token, `bitsPerByte` (last evaluation), `tokensPerSecond` (median over steps),
 * `peakBytes` (largest recorded memory of the run's process, if a run records it), `spikes` (number), `tags` if a run has tags, and `nonFinite` (number of non-finite training losses and gradient norms).
 * Missing values are NaN; a missing `peakBytes` is null.
 */
export function runTable(runs: readonly RecordedRun[]): Table {
  const textOf = textNamer(runs);
  const rows = runs.map((run) => {
    const { manifest: { runId, spec }, status } = run;
    const { steps, evals } = seriesOf(run);
    const finite = evals.map(({ loss }) => loss).filter(Number.isFinite);
    const last = evals.at(-1);
    return {
      run: runId,
      data: textOf(run),
      tokenizer: spec.tokenizer,
      T: spec.T,
      policy: precisionName(spec),
      seed: spec.seed,
      status,
      steps: steps.length,
      valLoss: last?.loss ?? NaN,
      bestValLoss: finite.length === 0 ? NaN : least(finite),
      bitsPerByte: last?.bitsPerByte ?? NaN,
      tokensPerSecond: Math.round(median(steps.tokensPerSecond)),
      spikes: curveFindings(run).spikes.length,
      nonFinite: countNonFinite(steps.loss) + countNonFinite(steps.gradNorm),
    } satisfies Record<typeof RUN_COLUMNS[number], unknown>;
  });
  return tableOf(runs, { columns: RUN_COLUMNS, rows });
}

const PAIR_COLUMNS = [
  "data",
  "tokenizer",
  "T",
  "policy",
  "seed",
  "valGap",
  "finalGap",
  "meanGap",
  "meanAbsGap",
  "largestGap",
  "largestAt",
  "firstBeyond",
  "baselineNonFinite",
  "nonFinite",
  "speed",
] as const;

/**
 * Returns a table with one row per pair. Columns of the spec: `data`, `tokenizer`, `T`, `policy`, `seed`, and every
 * other field in which the pairs differ. Gaps to float32, in nats per token: `valGap` (final validation loss), and
 * `finalGap`, `meanGap`, `meanAbsGap` and `largestGap` of the training loss. `largestAt` is the step of the largest
 * gap. Further columns: `firstBeyond` (first step with a gap above `tolerance` nats, or null), `baselineNonFinite` and
 * `nonFinite` (numbers of non-finite training losses in float32 and in the other precision), and `speed` (relative to
 * float32).
 */
export function pairTable(pairs: readonly Pair[], tolerance: number = DEFAULT_TOLERANCE): Table {
  const speedOf = (run: RecordedRun) => median(seriesOf(run).steps.tokensPerSecond);
  const textOf = textNamer(pairs.map(({ other }) => other));
  const rows = pairs.map((pair) => {
    const { spec } = pair.other.manifest;
    const gap = gapOf(pair, tolerance);
    return {
      data: textOf(pair.other),
      tokenizer: spec.tokenizer,
      T: spec.T,
      policy: precisionName(spec),
      seed: spec.seed,
      valGap: gap.finalValidation,
      finalGap: gap.final,
      meanGap: gap.mean,
      meanAbsGap: gap.meanAbsolute,
      largestGap: gap.largest,
      largestAt: gap.largestAt ?? null,
      firstBeyond: gap.firstBeyond ?? null,
      baselineNonFinite: gap.nonFinite.baseline,
      nonFinite: gap.nonFinite.other,
      speed: speedOf(pair.other) / speedOf(pair.baseline),
    } satisfies Record<typeof PAIR_COLUMNS[number], unknown>;
  });
  return tableOf(pairs.map(({ other }) => other), { columns: PAIR_COLUMNS, rows });
}

/**
 * Returns a table with one row for each step of each run: `run` (ID), `step`, `loss` (training loss in nats per token),
 * `lr`, `gradNorm` (before clipping) and `tokensPerSecond`.
 */
export function stepTable(runs: readonly RecordedRun[]): Table {
  return table({ ...stepColumns(runs) });
}

/**
 * Returns the {@linkcode stepTable} of a sweep's folder. Reads `table.parquet` if the table is current, otherwise the
 * journals.
 *
 * @throws {UserError} If the folder has no runs, or a run is damaged.
 */
export async function openStepTable(sweepDir: string): Promise<Table> {
  return table({ ...await readStepColumns(sweepDir) });
}

/**
 * Returns a table of runs or pairs, which has its columns even without rows. Device and code follow the policy if there are
 * several. The perturbation, and fields in which the runs differ, follow the seed.
 */
function tableOf<Name extends string>(
  runs: readonly RecordedRun[],
  { columns, rows }: { columns: readonly Name[]; rows: readonly Readonly<Record<Name, unknown>>[] },
): Table {
  const specs = runs.map(({ manifest: { spec } }) => spec), devices = runs.map(deviceOf);
  const codes = runs.map((run) => codeOf(run).slice(0, 12)), peaks = runs.map(peakBytesOf);
  const after: Readonly<Record<string, readonly (readonly [string, readonly unknown[]])[]>> = {
    policy: [
      ...new Set(devices).size > 1 ? [["device", devices] as const] : [],
      ...new Set(codes).size > 1 ? [["code", codes] as const] : [],
    ],
    tokensPerSecond: peaks.some((peak) => peak !== null) ? [["peakBytes", peaks]] : [],
    status: runs.some(({ note }) => note !== undefined && note.tags.length > 0)
      ? [["tags", runs.map(({ note }) => note?.tags.join(", ") ?? "")]]
      : [],
    seed: [
      ...specs.some(isPerturbed) ? [["perturbation", specs.map(perturbationOf)] as const] : [],
      ...varyingFields(specs, NAMED_FIELDS).filter((field) => !columns.some((name) => name === field))
        .map((field) => [field, cellsOf(specs, field)] as const),
    ],
  };
  return table(columns.flatMap((name) => [[name, rows.map((row) => row[name])], ...after[name] ?? []]));
}

/** Returns the largest recorded peak memory of a run's processes in bytes, or null if none is recorded. */
function peakBytesOf(run: RecordedRun): number | null {
  const peaks = seriesOf(run).others.flatMap((event) =>
    event.event === "eval" || event.event === "finish" ? event.peakBytes ?? [] : []
  );
  return peaks.length === 0 ? null : greatest(peaks);
}

/** Returns the values of a field: numbers if all are, else text. */
function cellsOf(specs: readonly RunSpec[], field: keyof RunSpec): unknown[] {
  const isNumeric = specs.every((spec) => typeof spec[field] === "number");
  return specs.map((spec) => isNumeric ? spec[field] : fieldText(spec, field));
}
