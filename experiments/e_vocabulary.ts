/** Experiment E: vocabulary size at a fixed number of floating-point operations. */
import { estimate } from "../lib/analysis/mod.ts";
import type { RecordedRun } from "../lib/record/mod.ts";
import { loadDataset } from "../lib/run/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import type { Dataset } from "../lib/train/mod.ts";
import {
  bitsPerByte,
  concludeParts,
  fields,
  highest,
  inWords,
  isAbove,
  SMALL_MODEL,
  validationLoss,
} from "./_runs.ts";

const FULL = ["byte", "bpe:512", "bpe:1024", "bpe:2048", "bpe:4096", "bpe:8192"], QUICK = ["byte", "bpe:512"];

/** Operations per run. */
const BUDGETS = { small: 4e11, large: 1.6e12 } as const;

/** Returns V of a tokenizer's name. */
const sizeOf = (tokenizer: string) => tokenizer === "byte" ? 256 : Number(tokenizer.slice("bpe:".length));

/**
 * Returns the mean negative log-likelihood of the validation tokens under the token frequencies of the training split, in nats.
 * Every token counts once more than it occurs, so that no probability is 0.
 */
function unigramLoss({ train, validation, vocabSize }: Dataset): number {
  const counts = new Float64Array(vocabSize).fill(1);
  for (const id of train.subarray(0, train.length)) counts[id]!++;
  const total = train.length + vocabSize;
  let sum = 0;
  for (const id of validation.subarray(0, validation.length)) sum -= Math.log(counts[id]! / total);
  return sum / validation.length;
}

/**
 * Fits y = a + b x + c x² by least squares and returns the x of the lowest value within the range of `xs`.
 */
function argminOfQuadratic(xs: readonly number[], ys: readonly number[]): number {
  const center = estimate(xs).mean;
  const at = xs.map((x) => x - center);
  // Regress y on x, and the residual of x² on x and 1, so that the normal equations are diagonal.
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const squares = at.map((x) => x * x);
  const slope = dot(at, squares) / dot(at, at), mean = estimate(squares).mean;
  const curve = squares.map((square, i) => square - mean - slope * at[i]!);
  const c = dot(curve, ys) / dot(curve, curve), b = dot(at, ys) / dot(at, at) - c * slope;
  const ends = [at[0]!, at.at(-1)!];
  const vertex = -b / (2 * c);
  if (c > 0) return center + Math.min(Math.max(vertex, ends[0]!), ends[1]!);
  const value = (x: number) => b * x + c * x * x;
  return center + (value(ends[0]!) <= value(ends[1]!) ? ends[0]! : ends[1]!);
}

const experiment: Experiment = {
  name: "e_vocabulary",
  title: "E. Which vocabulary is best at a fixed budget?",
  claim:
    "At a fixed budget of operations there is a best vocabulary size, above and below which the loss is higher, " +
    "and it grows with the budget.",
  source:
    "Tao et al. 2024, Scaling Laws with Vocabulary: Larger Models Deserve Larger Vocabularies (arXiv:2407.13623)",
  prediction:
    "A model of 0.1 million parameters besides its table, V from 256 to 8,192, 5 seeds, bits per byte of the whole " +
    "validation text. With 4e11 operations, V = 8,192 costs more than 0.03 bits per byte over the best V, with the 95 % " +
    "interval above 0. The minimum of a quadratic in log2 V lies inside the range at both budgets, and is at least as " +
    "large with 1.6e12 operations: the mean shift by seed is at least 0, and its 95 % interval is not below 0. With 3 seeds, " +
    "the rise was +0.08 ± 0.12 bits per byte and the shift +0.13 ± 0.06.",
  sweeps: (size) => {
    const spec = {
      ...SMALL_MODEL,
      vocab: size === "full" ? FULL : QUICK,
      policy: ["float32"],
      seeds: size === "full" ? [1, 2, 3, 4, 5] : [1],
      lr: 2e-3,
      warmupSteps: 10,
      evalEvery: 1_000_000,
      evalBytes: size === "full" ? "all" : 16384,
    };
    if (size === "quick") return { small: { spec: { ...spec, budget: { flops: 5e10 } } } };
    return {
      small: { spec: { ...spec, budget: { flops: BUDGETS.small } } },
      large: { spec: { ...spec, budget: { flops: BUDGETS.large } } },
    };
  },
  conclude: async ({ size, runs }) => {
    const vocabularies = size === "full" ? FULL : QUICK;
    const unigram = new Map<string, number>();
    for (const tokenizer of vocabularies) {
      using data = await loadDataset(SMALL_MODEL.data, { tokenizer });
      unigram.set(tokenizer, unigramLoss(data));
    }
    const budgets = Object.entries(runs);
    const of = (own: readonly RecordedRun[], tokenizer: string) =>
      own.filter(({ manifest }) => manifest.spec.tokenizer === tokenizer);
    const rows = budgets.flatMap(([budget, all]) =>
      vocabularies.map((tokenizer) => {
        const own = of(all, tokenizer);
        const nats = estimate(own.map((run) => validationLoss(run))), bits = estimate(own.map(bitsPerByte));
        return {
          budget,
          tokenizer,
          V: sizeOf(tokenizer),
          steps: own[0]?.manifest.spec.steps ?? 0,
          natsPerToken: nats.mean,
          aboveUnigram: nats.mean - unigram.get(tokenizer)!, // Tao's unigram-normalized loss
          bitsPerByte: bits.mean,
          bitsHalf: bits.half ?? null,
          n: bits.n,
        };
      })
    );
    const rowsOf = (budget: string) => rows.filter((row) => row.budget === budget);
    const rises = rowsOf("small").every(({ natsPerToken }, i, all) =>
      i === 0 || natsPerToken > all[i - 1]!.natsPerToken
    );
    const figures = rows.map(({ budget, V, bitsPerByte }) => `${budget} V ${V}: ${bitsPerByte.toFixed(4)}`)
      .join("; ");
    const bySeed = (all: readonly RecordedRun[], tokenizer: string) =>
      new Map(of(all, tokenizer).map((run) => [run.manifest.spec.seed, bitsPerByte(run)]));
    const seeds = [...bySeed(budgets[0]![1], vocabularies[0]!).keys()].sort((a, b) => a - b);
    const minima = budgets.map(([budget, all]) => {
      const values = vocabularies.map((tokenizer) => bySeed(all, tokenizer));
      const xs = vocabularies.map((tokenizer) => Math.log2(sizeOf(tokenizer)));
      const argmin = seeds.map((seed) => argminOfQuadratic(xs, values.map((one) => one.get(seed)!)));
      return { budget, argmin, ...fields(estimate(argmin)) };
    });
    const tables = {
      vocabularies: rows,
      minima: minima.map(({ argmin: _argmin, gap, ...rest }) => ({ ...rest, log2V: gap })),
      runs: budgets.flatMap(([budget, all]) =>
        all.map((run) => ({
          budget,
          tokenizer: run.manifest.spec.tokenizer,
          seed: run.manifest.spec.seed,
          natsPerToken: validationLoss(run),
          bitsPerByte: bitsPerByte(run),
        }))
      ),
    };
    if (size === "quick") {
      const reason = `bits per byte: ${figures}`;
      return { verdict: "not decidable at this scale", reason, directionHolds: rises, tables };
    }
    const best = rowsOf("small").reduce((least, row) => row.bitsPerByte < least.bitsPerByte ? row : least);
    const [bestBits, lastBits] = [best.tokenizer, vocabularies.at(-1)!].map((one) =>
      bySeed(runs["small"]!, one)
    );
    const rise = estimate(seeds.map((seed) => lastBits!.get(seed)! - bestBits!.get(seed)!));
    const shift = estimate(seeds.map((_, i) => minima[1]!.argmin[i]! - minima[0]!.argmin[i]!));
    const [least, most] = [Math.log2(sizeOf(vocabularies[0]!)), Math.log2(sizeOf(vocabularies.at(-1)!))];
    const inside = minima.every(({ gap }) => gap > least && gap < most);
    const { verdict, sentence } = concludeParts({
      "rise at 8,192 with the small budget": isAbove(rise, 0.03),
      "minimum inside the range": inside,
      "shift of the minimum": shift.mean >= 0 && highest(shift) >= 0,
    });
    const at = minima.map(({ budget, gap }) => `${budget} 2^${gap.toFixed(2)}`).join(", ");
    return {
      verdict,
      reason:
        `bits per byte: ${figures}. From the best V (${best.V}) to 8,192 with the small budget: ${
          inWords(rise)
        } ` +
        `bits per byte. Minima of the quadratic: ${at}; shift ${inWords(shift)} in log2 V. ${sentence}`,
      directionHolds: rises,
      tables,
    };
  },
};

export default experiment;
