/**
 * Arquero tables of a sweep: one row per run, per pair or per step. `summary.ts` describes them; `format.ts` formats
 * them.
 *
 * @module
 */
import { type ColumnTable, table } from "arquero";
import { least } from "../number/extent.ts";
import { readStepColumns, type RecordedRun, seriesOf, stepColumns } from "../record/mod.ts";
import { median } from "./median.ts";
import { deviceOf, precisionName } from "./precision_name.ts";
import { spikes } from "./spikes.ts";
import { countNonFinite, DEFAULT_TOLERANCE, gapOf, type Pair } from "./stability.ts";

/** An Arquero table. Its numbers may be NaN or infinite; Arquero's aggregates skip them. */
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
 * Returns one row per run: `run`, `data`, `tokenizer`, `T`, `policy` (with overrides), `seed`, `status`, completed
 * `steps`, `valLoss` (last) and `bestValLoss` (lowest finite), both in nats per token, `bitsPerByte` of the last
 * evaluation, `tokensPerSecond` (median over steps), `spikes`, and `nonFinite` (training losses and gradient norms).
 * Missing values are NaN.
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
 * Returns one row per pair: `data`, `tokenizer`, `T`, `policy`, `seed`, and the gap to float32 in nats per token.
 * `valGap` is of the validation loss; `finalGap`, `meanGap`, `meanAbsGap` and `largestGap` with its step `largestAt`
 * are of training losses. Further columns: `firstBeyond` (first step with a gap beyond `tolerance` nats, or null),
 * `baselineNonFinite` and `nonFinite` (non-finite training losses in float32 and in the other precision), and `speed`
 * (relative to float32).
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
 * Returns one row per step, each step once: `run`, `step`, `loss` (nats per token), `lr`, `gradNorm` (before clipping)
 * and `tokensPerSecond`.
 */
export function stepTable(runs: readonly RecordedRun[]): Table {
  return table({ ...stepColumns(runs) });
}

/**
 * Returns the {@linkcode stepTable} of a sweep's folder. Reads `table.parquet` if it is current, and otherwise the
 * journals.
 *
 * @throws {UserError} If the folder has no runs, or a damaged run.
 */
export async function openStepTable(sweepDir: string): Promise<Table> {
  return table({ ...await readStepColumns(sweepDir) });
}

/** Returns columns, with the device after the policy if there are several devices. */
function withDevice<Name extends string>(
  columns: readonly Name[],
  runs: readonly RecordedRun[],
): (Name | "device")[] {
  if (new Set(runs.map(deviceOf)).size < 2) return [...columns];
  return columns.flatMap((name) => name === "policy" ? [name, "device"] : [name]);
}

/** Returns a table that has its columns even without rows. */
function tableOf<Name extends string>(names: readonly Name[], rows: readonly Record<Name, unknown>[]): Table {
  return table(names.map((name) => [name, rows.map((row) => row[name])]));
}
