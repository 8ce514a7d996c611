/**
 * Writes `experiments/README.md`: the table of recorded results. Run with `deno run -A experiments/results_table.ts`.
 *
 * @module
 */
import type { ExperimentResult } from "../lib/sweep/mod.ts";

const RESULTS = new URL("./results/", import.meta.url);
/** File of the table. */
export const RESULTS_PAGE: URL = new URL("./README.md", import.meta.url);

const INTRODUCTION = `# Experiments

Each experiment tests a published claim on a small model. Its file states the prediction, which is committed before the full
runs. \`deno task experiment FILE\` runs it and prints the verdict; \`--quick\` shows the direction of the effect within a
minute, without a verdict. Negative results stay in the table.

Verdicts: *reproduced* (every checked part of the prediction holds), *not reproduced* (a checked part fails), *not decidable
at this scale* (only the quick form, which gives no verdict).

Claims, predictions and results are quoted as they were recorded. The notes below the table explain them. The cost is the sum
of the durations of the runs. All ran on 2 cores, which other processes used too: little during B to E, much during F to K.

`;

/** Returns the page as Markdown. */
export async function resultsPage(): Promise<string> {
  const names = [...Deno.readDirSync(RESULTS)].map(({ name }) => name).filter((name) =>
    name.endsWith(".json")
  ).sort();
  const results: ExperimentResult[] = await Promise.all(
    names.map(async (name) => JSON.parse(await Deno.readTextFile(new URL(name, RESULTS)))),
  );
  const columns = ["Experiment", "Claim", "Paper", "Prediction", "Result", "Verdict", "Cost"];
  const rows = results.filter(({ format }) => format === "losskit-experiment/1").map((result) => {
    const { experiment: { name, title, claim, source, prediction }, reason, verdict } = result;
    const { runs, seconds, environment } = result;
    const cost = `${runs} runs, ${Math.ceil(seconds / 60)} min in total, ${
      environment?.cpuModel ?? "unknown CPU"
    }`;
    const ended = reason.replace(/\.*$/, ".");
    return [`[${title}](${name}.ts)`, claim, source, prediction, ended, `**${verdict}**`, cost];
  });
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${INTRODUCTION}${[line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n")}

Notes:

- **A** has 5 paired seeds. Gaps are final validation losses minus float32's. "Masters within 0.01" checks bf16-keras, whose
  weights are float32. "Nearest worse by more than 0.01" checks bf16-pure. "At its begin" is the gap at the start of the
  second half. \`lib/train/pure_test.ts\` tests that the gains of LayerNorm do not change.
- **B**: a loss above log V, that of a uniform model, counts as log V. At the best rate, qk-norm does not lower the loss.
- **D**: coherence is at most √32 = 5.7. Rounding to nearest fails the prediction: its errors in e8m3 are nearly as coherent as those
  of truncation. A likely reason: the rounding errors of the weights are the same in every batch. The interval of stochastic rounding
  reaches beyond 1.5 too.
- **E** has float32 runs only. "Operations" are FLOPs, and "its table" is the token embedding. Both budgets have a best vocabulary, but it
  does not grow: four times the operations move the minimum by -0.19 ± 0.06 in log2 V.
- **F** to **K** have 3 to 5 paired seeds. Intervals are 95 % intervals of the mean over seeds. The errors and biases of
  gradients are relative to float32's gradient at the same weights.
- **J** was first run with 3 seeds, and evaluated with the plain cosine, which is NaN at 4,096 tokens without scale factors: every gradient is 0. It now
  counts as 0, as in the figures that the prediction quotes. The run in the table has 5 seeds.
- **K** trains with Muon in float32. \`nsDtype\` sets the format of the Newton-Schulz iterations only. "The exact orthogonal matrix" is the
  polar factor of the gradient.

The sweep over sequence length, AMP and vocabulary, \`seq_amp_vocab.ts\`, is a comparison rather than a test of a claim. Its
recorded output is \`results/seq_amp_vocab.json\`, and the project's README quotes it.
`;
}

if (import.meta.main) await Deno.writeTextFile(RESULTS_PAGE, await resultsPage());
