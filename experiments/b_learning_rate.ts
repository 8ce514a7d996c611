/** Experiment B: learning rates with and without qk-norm. */
import { type Estimate, estimate } from "../lib/analysis/mod.ts";
import { greatest, least } from "../lib/number/extent.ts";
import { loadDataset } from "../lib/run/mod.ts";
import type { RecordedRun } from "../lib/record/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import {
  attentionMax,
  concludeParts,
  fields,
  inWords,
  isAbove,
  SMALL_MODEL,
  validationLoss,
} from "./_runs.ts";

const { lr: _lr, tokensPerStep: _tokens, ...MODEL } = SMALL_MODEL;
const RATES = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1], QUICK_RATES = [3e-3, 3e-1];

/** Weight decay that is independent of the learning rate: AdamW multiplies the decay by the rate. */
const INDEPENDENT_DECAY = 1e-4;

/** Returns the final validation loss, at most `limit`. A loss that is not finite counts as `limit`. */
function cappedLoss(run: RecordedRun, limit: number): number {
  const loss = validationLoss(run);
  return Number.isFinite(loss) ? Math.min(loss, limit) : limit;
}

const mean = (values: readonly number[]): number => estimate(values).mean;

const experiment: Experiment = {
  name: "b_learning_rate",
  title: "B. Does qk-norm make training stable at high learning rates?",
  claim:
    "At high learning rates attention logits grow and training diverges. LayerNorm of queries and keys prevents " +
    "it, so that the final loss depends less on the learning rate over orders of magnitude.",
  source: "Wortsman et al. 2023, Small-scale proxies for large-scale Transformer training instabilities " +
    "(arXiv:2309.14322)",
  prediction:
    "At a learning rate of 3e-1, the final loss without qk-norm is higher by more than 0.3 nats, and the 95 % " +
    "interval of the difference (5 paired seeds) lies above 0. The largest attention logit there is more than 1,000 times " +
    "the one with qk-norm. Sensitivity to the learning rate (mean over six rates of the loss, at most log V, minus the " +
    "best loss) is higher without qk-norm, with the paired 95 % interval above 0. An earlier form of this experiment " +
    "(3 seeds, 4 rates, 400 steps) gave +0.66 nats, a ratio of 39,000 and +0.21 nats.",
  sweeps: (size) => {
    const rates = size === "full" ? RATES : QUICK_RATES;
    return {
      rates: {
        spec: {
          ...MODEL,
          tokensPerStep: size === "full" ? 1024 : 768,
          policy: ["float32"],
          zip: [{ lr: rates, weightDecay: rates.map((lr) => INDEPENDENT_DECAY / lr) }],
          axes: { qkNorm: [false, true] },
          seeds: size === "full" ? [1, 2, 3, 4, 5] : [1],
          steps: size === "full" ? 700 : 40,
          warmupSteps: size === "full" ? 175 : 4,
          beta2: 0.95,
          tiedHead: false,
          zLoss: 1e-4,
          evalEvery: 1_000_000,
          evalBytes: size === "full" ? 65536 : 4096,
          probeEvery: size === "full" ? 70 : 13,
        },
      },
    };
  },
  conclude: async ({ size, runs: { rates: runs = [] } }) => {
    using data = await loadDataset(MODEL.data, { tokenizer: MODEL.vocab[0] });
    const limit = Math.log(data.vocabSize); // the loss of a uniform model
    const rates = size === "full" ? RATES : QUICK_RATES;
    const seeds = [...new Set(runs.map(({ manifest }) => manifest.spec.seed))].sort((a, b) => a - b);
    const of = (qkNorm: boolean, lr: number, seed?: number) =>
      runs.filter(({ manifest: { spec } }) =>
        spec.qkNorm === qkNorm && spec.lr === lr && (seed === undefined || spec.seed === seed)
      );
    const lossOf = (qkNorm: boolean, lr: number, seed: number) =>
      mean(of(qkNorm, lr, seed).map((run) => cappedLoss(run, limit)));
    const rows = [false, true].flatMap((qkNorm) =>
      rates.map((lr) => {
        const own = of(qkNorm, lr);
        const loss = estimate(own.map((run) => cappedLoss(run, limit)));
        return {
          qkNorm,
          lr,
          loss: loss.mean,
          half: loss.half ?? null,
          attentionMax: greatest(own.map(attentionMax)),
          n: loss.n,
        };
      })
    );
    const sensitivity = (qkNorm: boolean, seed: number) => {
      const losses = rates.map((lr) => lossOf(qkNorm, lr, seed));
      return mean(losses) - least(losses);
    };
    const paired = (metric: (qkNorm: boolean, seed: number) => number): Estimate =>
      estimate(seeds.map((seed) => metric(false, seed) - metric(true, seed)));
    const byRate = rates.map((lr) => ({
      lr,
      ...fields(paired((qkNorm, seed) => lossOf(qkNorm, lr, seed))),
    }));
    const highest = rates.at(-1)!;
    const gap = paired((qkNorm, seed) => lossOf(qkNorm, highest, seed));
    const flatter = paired(sensitivity);
    const logit = (qkNorm: boolean) =>
      rows.find((row) => row.qkNorm === qkNorm && row.lr === highest)!.attentionMax;
    const ratio = logit(false) / logit(true);
    const tables = {
      rates: rows,
      differences: byRate,
      runs: runs.map((run) => ({
        qkNorm: run.manifest.spec.qkNorm,
        lr: run.manifest.spec.lr,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
        attentionMax: attentionMax(run),
      })),
    };
    const { verdict, sentence } = concludeParts({
      "loss at the highest rate": isAbove(gap, 0.3),
      "logit ratio": ratio > 1000,
      "sensitivity": isAbove(flatter),
    });
    const reason =
      `without minus with qk-norm at a rate of ${highest}: ${inWords(gap)} nats; largest logits ` +
      `${logit(false).toPrecision(3)} and ${logit(true).toPrecision(3)} (ratio ${ratio.toPrecision(3)}); ` +
      `sensitivity ${inWords(flatter)} nats. ${sentence}`;
    // Short runs show an effect on logits only, so the quick form checks the direction of that effect.
    const directionHolds = ratio > 1;
    if (size === "quick") return { verdict: "not decidable at this scale", reason, directionHolds, tables };
    return { verdict, reason, directionHolds, tables };
  },
};

export default experiment;
