/** Experiment B: learning rates with and without qk-norm. */
import { greatest, least } from "../lib/number/extent.ts";
import type { RecordedRun } from "../lib/record/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import { attentionMax, SMALL_MODEL, validationLoss } from "./_runs.ts";

const { lr: _lr, ...MODEL } = SMALL_MODEL;
const RATES = [3e-3, 1e-2, 3e-2, 1e-1], QUICK_RATES = [3e-3, 3e-1];

/** Approximate loss of a model that knows only character frequencies. Diverged runs count with this loss. */
const UNLEARNT = 3.3;

const experiment: Experiment = {
  name: "b_learning_rate",
  title: "B. Does qk-norm make training stable at high learning rates?",
  claim:
    "At high learning rates attention logits grow and training diverges; LayerNorm of queries and keys prevents " +
    "it, so that the final loss depends little on the learning rate over orders of magnitude.",
  source: "Wortsman et al. 2023, Small-scale proxies for large-scale Transformer training instabilities " +
    "(arXiv:2309.14322)",
  prediction:
    "The largest attention logit grows with the learning rate without qk-norm, to more than 5 times what it " +
    "is with it at a rate of 1e-1; there the final loss is higher by more than 0.1 nats without it; and the sensitivity " +
    "to the rate (the mean, over rates, of what a run loses against the best rate) is at most half with it.",
  sweeps: (size) => ({
    rates: {
      spec: {
        ...MODEL,
        policy: ["float32"],
        axes: { lr: size === "full" ? RATES : QUICK_RATES, qkNorm: [false, true] },
        seeds: size === "full" ? [1, 2] : [1],
        steps: size === "full" ? 200 : 40,
        warmupSteps: size === "full" ? 20 : 4,
        evalEvery: 1_000_000,
        evalTokens: size === "full" ? 32768 : 4096,
        probeEvery: size === "full" ? 20 : 13,
      },
    },
  }),
  conclude: ({ size, runs: { rates: runs = [] } }) => {
    const rates = size === "full" ? RATES : QUICK_RATES;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const lossOf = (run: RecordedRun) =>
      Math.min(UNLEARNT, Number.isFinite(validationLoss(run)) ? validationLoss(run) : UNLEARNT);
    const rows = [false, true].flatMap((qkNorm) =>
      rates.map((lr) => {
        const own = runs.filter(({ manifest: { spec } }) => spec.lr === lr && spec.qkNorm === qkNorm);
        return {
          qkNorm,
          lr,
          loss: mean(own.map(lossOf)),
          attentionMax: greatest(own.map(attentionMax)),
          n: own.length,
        };
      })
    );
    const of = (qkNorm: boolean) => rows.filter((row) => row.qkNorm === qkNorm);
    const sensitivity = (qkNorm: boolean) => {
      const losses = of(qkNorm).map(({ loss }) => loss);
      return mean(losses) - least(losses);
    };
    const [plain, normed] = [of(false).at(-1)!, of(true).at(-1)!];
    const growth = of(false).every(({ attentionMax }, i, all) =>
      i === 0 || attentionMax > all[i - 1]!.attentionMax
    );
    const logits = growth && plain.attentionMax > 5 * normed.attentionMax;
    const worse = plain.loss - normed.loss > 0.1;
    const flatter = sensitivity(true) <= sensitivity(false) / 2;
    const figures = rows.map(({ qkNorm, lr, loss, attentionMax }) =>
      `${qkNorm ? "qk-norm" : "plain"} ${lr}: ${loss.toFixed(3)} nats, logit ${attentionMax.toFixed(1)}`
    ).join("; ");
    const tables = {
      rates: rows,
      runs: runs.map((run) => ({
        qkNorm: run.manifest.spec.qkNorm,
        lr: run.manifest.spec.lr,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
        attentionMax: attentionMax(run),
      })),
    };
    const word = (holds: boolean) => holds ? "yes" : "no";
    const reason =
      `${figures}; sensitivity ${sensitivity(false).toFixed(3)} without, ${
        sensitivity(true).toFixed(3)
      } with. Logits grow with the rate, to more than 5 times those with qk-norm: ${
        word(logits)
      }; loss at the highest rate ` +
      `worse by more than 0.1 without: ${word(worse)}; half as sensitive with it: ${word(flatter)}.`;
    // Short runs show an effect on logits only, so the quick form checks the direction of that effect.
    const directionHolds = plain.attentionMax > normed.attentionMax;
    if (size === "quick") return { verdict: "not decidable at this scale", reason, directionHolds, tables };
    return {
      verdict: logits && worse && flatter ? "reproduced" : "not reproduced",
      reason,
      directionHolds,
      tables,
    };
  },
};

export default experiment;
