/** Experiment E: vocabulary size at a fixed number of operations. */
import { estimate } from "../lib/analysis/mod.ts";
import type { RecordedRun } from "../lib/record/mod.ts";
import type { Experiment } from "../lib/sweep/mod.ts";
import { bitsPerByte, inWords, pairedGap, SMALL_MODEL, validationLoss } from "./_runs.ts";

const FULL = ["character", "bpe:512", "bpe:1024", "bpe:2048", "bpe:4096"], QUICK = ["character", "bpe:512"];

const experiment: Experiment = {
  name: "e_vocabulary",
  title: "E. Which vocabulary is best at a fixed budget?",
  claim:
    "At a fixed budget of operations the loss, made comparable across vocabularies, has a minimum at a vocabulary " +
    "that is neither the smallest nor the largest, and the optimum grows with the budget; the loss per token rises with V " +
    "whatever is better.",
  source: "Tao et al. 2024, Scaling Laws with Vocabulary (arXiv:2407.13623)",
  prediction:
    "With 4e11 operations a run (a model of 0.1 million parameters besides the table), nats per token rise " +
    "with every larger V, while bits per byte fall from characters to a few hundred or a thousand tokens and rise again " +
    "by 4,096: the least lies inside of the range.",
  sweeps: (size) => ({
    vocabularies: {
      spec: {
        ...SMALL_MODEL,
        vocab: size === "full" ? FULL : QUICK,
        policy: ["float32"],
        seeds: size === "full" ? [1, 2] : [1],
        budget: { flops: size === "full" ? 4e11 : 5e10 },
        lr: 2e-3,
        warmupSteps: 10,
        evalEvery: 1_000_000,
        evalBytes: size === "full" ? "all" : 16384,
      },
    },
  }),
  conclude: ({ size, runs: { vocabularies: runs = [] } }) => {
    const vocabularies = size === "full" ? FULL : QUICK;
    const rows = vocabularies.map((tokenizer) => {
      const own = runs.filter(({ manifest }) => manifest.spec.tokenizer === tokenizer);
      const nats = estimate(own.map((run) => validationLoss(run))), bits = estimate(own.map(bitsPerByte));
      return {
        tokenizer,
        steps: own[0]?.manifest.spec.steps ?? 0,
        natsPerToken: nats.mean,
        natsHalf: nats.half ?? null,
        bitsPerByte: bits.mean,
        bitsHalf: bits.half ?? null,
        n: bits.n,
      };
    });
    const rises = rows.every(({ natsPerToken }, i) => i === 0 || natsPerToken > rows[i - 1]!.natsPerToken);
    const least = rows.reduce((best, row, i) => row.bitsPerByte < rows[best]!.bitsPerByte ? i : best, 0);
    const inside = least > 0 && least < rows.length - 1;
    const hasTokenizer = (tokenizer: string) => (run: RecordedRun) =>
      run.manifest.spec.tokenizer === tokenizer;
    // Paired gap of the largest vocabulary to the best one. A rise is significant if its interval is above 0.
    const rise = pairedGap(
      runs,
      { base: hasTokenizer(rows[least]!.tokenizer), other: hasTokenizer(rows.at(-1)!.tokenizer) },
      bitsPerByte,
    );
    const significant = rise.mean - (rise.half ?? Infinity) > 0;
    const figures = rows.map(({ tokenizer, natsPerToken, bitsPerByte }) =>
      `${tokenizer} ${natsPerToken.toFixed(3)} nats, ${bitsPerByte.toFixed(4)} bits`
    ).join("; ");
    const tables = {
      vocabularies: rows,
      runs: runs.map((run) => ({
        tokenizer: run.manifest.spec.tokenizer,
        seed: run.manifest.spec.seed,
        natsPerToken: validationLoss(run),
        bitsPerByte: bitsPerByte(run),
      })),
    };
    const reason = `per token and per byte: ${figures}`;
    if (size === "quick") {
      return { verdict: "not decidable at this scale", reason, directionHolds: rises, tables };
    }
    return {
      verdict: rises && inside
        ? significant ? "reproduced" : "not decidable at this scale"
        : "not reproduced",
      reason:
        `${reason}. Nats per token ${
          rises ? "rise" : "do not rise"
        } with V; the fewest bits per byte are with ` +
        `${rows[least]!.tokenizer}, ${inside ? "inside" : "at the end"} of the range; ` +
        `the largest vocabulary is ${inWords(rise)} bits per byte from it, paired seeds: ${
          significant
            ? "a significant rise"
            : "not significant, so that a rise at the largest vocabulary is undecided"
        }.`,
      directionHolds: rises,
      tables,
    };
  },
};

export default experiment;
