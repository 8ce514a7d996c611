/**
 * Summary of a sweep: tables, a headline, and the verdict of each setting.
 *
 * @module
 */
import { underflowWarning } from "../precision/mod.ts";
import { distinctRuns, type RecordedRun, seriesOf } from "../record/mod.ts";
import { count, formatTable, nats, signed } from "./format.ts";
import { BASELINE, precisionName } from "./precision_name.ts";
import { countNonFinite, DEFAULT_TOLERANCE, type Gap, gapOf, type Pair, pairRuns } from "./stability.ts";
import { pooledSeedSpread } from "./noise_floor.ts";
import { compareGroups, type NamedComparison, verdictSentences } from "./compare_groups.ts";
import { pairTable, runTable, type Table } from "./tables.ts";
import { plainText } from "./plain_text.ts";

/** Summary of a sweep. */
export interface Summary {
  /** Table of runs, see {@linkcode runTable}. */
  readonly runs: Table;
  /** Table of pairs, see {@linkcode pairTable}. */
  readonly pairs: Table;
  /** Smallest gap that matters, in nats per token. */
  readonly tolerance: number;
  /** One comparison per setting and lower precision, see {@linkcode compareGroups}. */
  readonly comparisons: readonly NamedComparison[];
  /** Main results in sentences, without the verdicts. */
  readonly headline: string;
  /** Paragraphs of the headline: one per precision, and one about all runs. */
  readonly paragraphs: readonly string[];
  /** Warnings about precisions whose gradients underflow without a gradient scaler, one sentence each. */
  readonly warnings: readonly string[];
  /** Tables, headline and verdicts as text. */
  readonly text: string;
}

/**
 * Summarizes recorded runs: tables, a headline, and the verdicts of all comparisons. `tolerance` is in nats per token.
 * Counts a run that is given twice once.
 */
export function summarize(all: readonly RecordedRun[], tolerance: number = DEFAULT_TOLERANCE): Summary {
  const runs = distinctRuns(all);
  const pairs = pairRuns(runs);
  const tables = { runs: runTable(runs), pairs: pairTable(pairs, tolerance) };
  const comparisons = compareGroups(runs, { tolerance });
  const paragraphs = paragraphsOf(runs, pairs, tolerance), warnings = underflowWarnings(runs);
  const text = [
    formatTable(tables.runs),
    ...pairs.length === 0 ? [] : [
      formatTable(tables.pairs) +
      `\ngaps: the lower precision's loss minus ${BASELINE}'s, in nats per token.\nval gap: final validation loss; train gap: ` +
      `training loss of the last step; mean gap and largest gap: training losses of all steps; first beyond: first step with a ` +
      `gap outside ±${tolerance}`,
    ],
    warnings.join("\n"),
    paragraphs.join("\n"),
    verdictSentences(comparisons).join("\n"),
  ].filter((part) => part !== "").join("\n\n");
  return { ...tables, tolerance, comparisons, headline: paragraphs.join(" "), paragraphs, warnings, text };
}

/** Returns a warning for each precision whose unscaled gradients underflow, with the largest share of its runs. */
function underflowWarnings(runs: readonly RecordedRun[]): string[] {
  const shares = new Map<string, number>();
  for (const run of runs) {
    const { underflow = 0 } = seriesOf(run), name = precisionName(run.manifest.spec);
    shares.set(name, Math.max(underflow, shares.get(name) ?? 0));
  }
  return [...shares].flatMap(([name, share]) => underflowWarning(plainText(name), share) ?? []);
}

function paragraphsOf(runs: readonly RecordedRun[], pairs: readonly Pair[], tolerance: number): string[] {
  const paragraphs: string[] = [], sentences: string[] = [];
  if (pairs.length === 0) sentences.push(withoutPairs(runs));
  for (const policy of new Set(pairs.map(({ other }) => precisionName(other.manifest.spec)))) {
    const own = pairs.filter(({ other }) => precisionName(other.manifest.spec) === policy);
    // Unfinished runs have no final loss.
    const gaps = own.filter(({ baseline, other }) =>
      baseline.status === "finished" && other.status === "finished"
    )
      .map((pair) => ({ pair, gap: gapOf(pair, tolerance) }));
    const said = gaps.length > 0
      ? policySentences(plainText(policy), gaps, tolerance)
      : [`None of ${count(own.length, "pair")} with ${plainText(policy)} is finished on both sides.`];
    paragraphs.push(said.join(" "));
  }
  const spread = pairs.length === 0 ? undefined : pooledSeedSpread(runs);
  if (spread !== undefined) {
    sentences.push(
      `Between two seeds, ${BASELINE}'s final validation loss differs by ${nats(spread.nats)} nats ` +
        `(root mean square of ${count(spread.pairs, "difference")}).`,
    );
  }
  const unfinished = runs.filter(({ status }) => status !== "finished").length;
  if (unfinished > 0) {
    sentences.push(
      `${unfinished} of ${count(runs.length, "run")} ${unfinished === 1 ? "is" : "are"} not finished.`,
    );
  }
  return [...paragraphs, ...sentences.length === 0 ? [] : [sentences.join(" ")]];
}

/** Describes runs without a pair. Runs of one precision are no comparison of precisions. */
function withoutPairs(runs: readonly RecordedRun[]): string {
  const precisions = new Set(runs.map(({ manifest: { spec } }) => precisionName(spec)));
  const [only] = precisions, all = count(runs.length, "run");
  if (only === undefined) return "No run has started.";
  if (precisions.size === 1) return `${all} in ${plainText(only)}, no other precision to compare with.`;
  return precisions.has(BASELINE)
    ? `${all} without a pair: no two of them differ in precision alone.`
    : `${all} without a pair: none is in ${BASELINE}.`;
}

function policySentences(policy: string, gaps: { pair: Pair; gap: Gap }[], tolerance: number): string[] {
  const validation = gaps.map(({ gap }) => gap.finalValidation);
  const finite = validation.filter(Number.isFinite);
  const all = count(gaps.length, "pair");
  const sentences: string[] = [];
  if (finite.length > 0) {
    const mean = finite.reduce((sum, gap) => sum + gap, 0) / finite.length;
    const largest = finite.reduce((most, gap) => Math.abs(gap) > Math.abs(most) ? gap : most, 0);
    const changes =
      `with the same initial weights and batches, ${policy} changes the final validation loss by`;
    sentences.push(
      finite.length === 1
        ? `In one pair ${changes} ${signed(mean)} nats.`
        : `Over ${finite.length} pairs ${changes} ${signed(mean)} nats on average (largest: ${
          signed(largest)
        }).`,
    );
  }
  const lost = countNonFinite(validation);
  if (lost > 0) {
    sentences.push(`${lost} of ${all} ${lost === 1 ? "has" : "have"} no finite validation gap in ${policy}.`);
  }
  const beyond = gaps.filter(({ gap }) => gap.firstBeyond !== undefined)
    .sort((a, b) => a.gap.firstBeyond! - b.gap.firstBeyond!);
  const [first] = beyond;
  sentences.push(
    first === undefined
      ? `At every step, the training loss is within ${tolerance} nats (the tolerance) of ${BASELINE}'s.`
      : `The training loss leaves ±${tolerance} nats around ${BASELINE}'s in ${beyond.length} of ${all}, first at step ` +
        `${first.gap.firstBeyond} (${describe(first.pair)}).`,
  );
  const nonFinite = (side: "baseline" | "other") =>
    gaps.reduce((sum, { gap }) => sum + gap.nonFinite[side], 0);
  const [base, other] = [nonFinite("baseline"), nonFinite("other")];
  sentences.push(
    base + other === 0
      ? "No training loss is NaN or infinite."
      : `Training losses that are NaN or infinite: ${base} in ${BASELINE}, ${other} in ${policy}.`,
  );
  return sentences;
}

function describe({ other: { manifest: { spec } } }: Pair): string {
  return `${plainText(spec.tokenizer)}, T = ${spec.T}, seed ${spec.seed}`;
}
