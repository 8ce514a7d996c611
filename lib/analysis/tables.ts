/**
 * Tables over the runs of a sweep, with Arquero: a row a run, a row a pair, a row a setting.
 *
 * @module
 */
import * as aq from "arquero";
import { effectiveEvents, type RecordedRun } from "../record/mod.ts";
import { countNonFinite, gapOf, type Pair, pairRuns, spikes } from "./stability.ts";

/** An Arquero table. */
export type Table = ReturnType<typeof aq.table>;

/** The middle value; of an even count, the mean of the two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * One row a run: `run`, `tokenizer`, `T`, `policy`, `seed`, `status`, `steps`, `valLoss` and `bestValLoss` (nats per
 * token), `bitsPerByte`, `tokensPerSecond` (median over steps), `spikes`, `nonFinite` (of training losses and
 * gradient norms).
 */
export function runTable(runs: readonly RecordedRun[]): Table {
  return aq.from(runs.map((run) => {
    const { manifest: { runId, spec }, events, status } = run;
    const { steps, evals } = effectiveEvents(events);
    const losses = steps.map(({ loss }) => loss);
    const last = evals.at(-1);
    return {
      run: runId,
      tokenizer: spec.tokenizer,
      T: spec.T,
      policy: spec.policy,
      seed: spec.seed,
      status,
      steps: steps.length,
      valLoss: last?.loss ?? NaN,
      bestValLoss: Math.min(...evals.map(({ loss }) => loss).filter(Number.isFinite), Infinity),
      bitsPerByte: last?.bitsPerByte ?? NaN,
      tokensPerSecond: Math.round(median(steps.map((event) => event.tokensPerSecond))),
      spikes: spikes(losses).length,
      nonFinite: countNonFinite(losses) + countNonFinite(steps.map(({ gradNorm }) => gradNorm)),
    };
  }));
}

/**
 * One row a pair: `tokenizer`, `T`, `policy`, `seed`, the gap to float32 in nats (`valGap` of the last validation
 * loss, `finalGap`, `meanGap`, `largestGap` of training losses), `firstBeyond` (step, or null) and the `nonFinite`
 * training losses of both sides.
 */
export function pairTable(pairs: readonly Pair[], bound: number): Table {
  return aq.from(pairs.map((pair) => {
    const { spec } = pair.other.manifest;
    const gap = gapOf(pair, bound);
    const nonFinite = (run: RecordedRun) =>
      countNonFinite(effectiveEvents(run.events).steps.map(({ loss }) => loss));
    return {
      tokenizer: spec.tokenizer,
      T: spec.T,
      policy: spec.policy,
      seed: spec.seed,
      valGap: gap.finalValidation,
      finalGap: gap.final,
      meanGap: gap.mean,
      largestGap: gap.largest,
      firstBeyond: gap.firstBeyond ?? null,
      nonFinite: nonFinite(pair.baseline) + nonFinite(pair.other),
    };
  }));
}

/** What a sweep found. */
export interface Summary {
  /** {@linkcode runTable}. */
  readonly runs: Table;
  /** {@linkcode pairTable}. */
  readonly pairs: Table;
  /** The gap that counts as one, in nats. */
  readonly bound: number;
  /** The finding in a sentence. */
  readonly headline: string;
}

/** Summarizes runs; gaps are held against `bound` nats. */
export function summarize(runs: readonly RecordedRun[], bound: number): Summary {
  const pairs = pairRuns(runs);
  return {
    runs: runTable(runs),
    pairs: pairTable(pairs, bound),
    bound,
    headline: headlineOf(runs, pairs, bound),
  };
}

function headlineOf(runs: readonly RecordedRun[], pairs: readonly Pair[], bound: number): string {
  const unfinished = runs.filter(({ status }) => status !== "finished").length;
  const suffix = unfinished > 0 ? ` ${unfinished} of ${runs.length} runs are not finished.` : "";
  if (pairs.length === 0) return `${runs.length} runs; no two of them differ in precision alone.${suffix}`;
  const gaps = pairs.map((pair) => gapOf(pair, bound));
  const validation = gaps.map((gap) => gap.finalValidation);
  const nonFinite = countNonFinite(validation);
  const finite = validation.filter(Number.isFinite);
  const mean = finite.reduce((sum, gap) => sum + gap, 0) / finite.length;
  const largest = finite.reduce((far, gap) => Math.abs(gap) > Math.abs(far) ? gap : far, 0);
  const beyond = gaps.filter((gap) => gap.firstBeyond !== undefined).length;
  const lost = nonFinite > 0 ? ` ${nonFinite} pairs have no finite validation gap.` : "";
  return `Over ${pairs.length} pairs of the same weights and batches, the lower precision's final validation loss is ` +
    `${signed(mean)} nats from float32's on average, ${signed(largest)} at most; the training loss ` +
    `leaves ±${bound} nats in ${beyond} of ${pairs.length} pairs.${lost}${suffix}`;
}

/** A number with its sign, to four decimals. */
export function signed(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(4)}`;
}

/** A cell for a reader: fractions to four decimals, nothing for null. */
export function formatCell(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) {
    return Number.isFinite(value) ? value.toFixed(4) : String(value);
  }
  return String(value);
}

/** A table as aligned text. Control characters, which would steer a terminal, are shown as `?`. */
export function formatTable(table: Table): string {
  const names = table.columnNames();
  const rows = (table.objects() as Record<string, unknown>[]).map((row) =>
    // deno-lint-ignore no-control-regex -- they are what is looked for
    names.map((name) => formatCell(row[name]).replace(/[\x00-\x1f\x7f-\x9f]/g, "?"))
  );
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const numeric = names.map((name) => table.numRows() > 0 && typeof table.get(name, 0) === "number");
  const line = (cells: string[]) =>
    cells.map((cell, i) => numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join("  ")
      .trimEnd();
  return [names, ...rows].map(line).join("\n");
}
