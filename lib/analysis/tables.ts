/**
 * Tables over the runs of a sweep, with Arquero: a row a run, a row a pair, a row a step. What they say in words is in
 * `summary.ts`, and how they are shown in `format.ts`.
 *
 * @module
 */
import { type ColumnTable, table } from "arquero";
import { least } from "../number/extent.ts";
import { readStepColumns, type RecordedRun, seriesOf, stepColumns } from "../record/mod.ts";
import { median } from "./median.ts";
import { deviceOf, precisionName } from "./precision_name.ts";
import { countNonFinite, DEFAULT_TOLERANCE, gapOf, type Pair, spikes } from "./stability.ts";

/** An Arquero table. Numbers in it may be NaN or infinite, which its aggregates skip. */
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
 * One row a run: `run`, `data`, `tokenizer`, `T`, `policy` (with its overrides), `seed`, `status`, `steps` done, `valLoss` (the last one)
 * and `bestValLoss` (the lowest finite one), both in nats per token, `bitsPerByte` of the last, `tokensPerSecond`
 * (median over steps), `spikes`, and `nonFinite` (training losses and gradient norms). What a run has not, is NaN.
 */
export function runTable(runs: readonly RecordedRun[]): Table {
  const rows = runs.map((run) => {
    const { manifest: { runId, spec }, status } = run;
    const { steps, evals } = seriesOf(run);
    const finite = evals.map(({ loss }) => loss).filter(Number.isFinite);
    const last = evals.at(-1);
    return {
      run: runId,
      data: spec.data,
      tokenizer: spec.tokenizer,
      T: spec.T,
      policy: precisionName(spec),
      device: deviceOf(run),
      seed: spec.seed,
      status,
      steps: steps.length,
      valLoss: last?.loss ?? NaN,
      bestValLoss: finite.length === 0 ? NaN : least(finite),
      bitsPerByte: last?.bitsPerByte ?? NaN,
      tokensPerSecond: Math.round(median(steps.tokensPerSecond)),
      spikes: spikes(steps.loss).length,
      nonFinite: countNonFinite(steps.loss) + countNonFinite(steps.gradNorm),
    } satisfies Record<typeof RUN_COLUMNS[number] | "device", unknown>;
  });
  return tableOf(withDevice(RUN_COLUMNS, runs), rows);
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
 * One row a pair: `data`, `tokenizer`, `T`, `policy`, `seed`, the gap to float32 in nats per token (`valGap` of the
 * validation loss; `finalGap`, `meanGap`, `meanAbsGap`, `largestGap` with its step `largestAt`, of training losses),
 * `firstBeyond` (the first step with a gap beyond `tolerance` nats, or null), the training losses that are not finite on
 * float32's side (`baselineNonFinite`) and on the other (`nonFinite`), and `speed` (tokens per second, as a multiple of
 * float32's).
 */
export function pairTable(pairs: readonly Pair[], tolerance: number = DEFAULT_TOLERANCE): Table {
  const speedOf = (run: RecordedRun) => median(seriesOf(run).steps.tokensPerSecond);
  const rows = pairs.map((pair) => {
    const { spec } = pair.other.manifest;
    const gap = gapOf(pair, tolerance);
    return {
      data: spec.data,
      tokenizer: spec.tokenizer,
      T: spec.T,
      policy: precisionName(spec),
      device: deviceOf(pair.other),
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
    } satisfies Record<typeof PAIR_COLUMNS[number] | "device", unknown>;
  });
  return tableOf(withDevice(PAIR_COLUMNS, pairs.map(({ other }) => other)), rows);
}

/**
 * One row a step, each step once: `run`, `step`, `loss` (nats per token), `lr`, `gradNorm` (before clipping) and
 * `tokensPerSecond`.
 */
export function stepTable(runs: readonly RecordedRun[]): Table {
  return table({ ...stepColumns(runs) });
}

/**
 * {@linkcode stepTable} of a sweep's folder, read from its `table.parquet` where that is of its journals as they are, and
 * else from the journals.
 *
 * @throws {UserError} when the folder holds no runs, or a damaged one.
 */
export async function openStepTable(sweepDir: string): Promise<Table> {
  return table({ ...await readStepColumns(sweepDir) });
}

/** Columns, and after the policy the device where there are several of them. */
function withDevice<Name extends string>(
  columns: readonly Name[],
  runs: readonly RecordedRun[],
): (Name | "device")[] {
  if (new Set(runs.map(deviceOf)).size < 2) return [...columns];
  return columns.flatMap((name) => name === "policy" ? [name, "device"] : [name]);
}

/** A table with its columns even where it has no rows. */
function tableOf<Name extends string>(names: readonly Name[], rows: readonly Record<Name, unknown>[]): Table {
  return table(names.map((name) => [name, rows.map((row) => row[name])]));
}
