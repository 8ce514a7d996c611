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

Verdicts: *reproduced* (every part of the prediction holds), *not reproduced* (at least one part fails), *not decidable at
this scale*.

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
    const { runs, seconds, environment, superseded } = result;
    const cost = `${runs} runs, ${Math.ceil(seconds / 60)} min in sum, ${
      environment?.cpuModel ?? "unknown CPU"
    }`;
    const note = superseded === undefined ? "" : `. Superseded: ${superseded}`;
    return [`[${title}](${name}.ts)`, claim, source, prediction, `${reason}${note}`, `**${verdict}**`, cost];
  });
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${INTRODUCTION}${[line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n")}

The sweep over sequence length, AMP and vocabulary, \`seq_amp_vocab.ts\`, is a comparison rather than a test of a claim. Its
recorded output is \`results/seq_amp_vocab.json\`, and the project's README quotes it.

\`planned/\` holds new designs of B, D and E, with their predictions. Their full runs are not recorded yet.
`;
}

if (import.meta.main) await Deno.writeTextFile(RESULTS_PAGE, await resultsPage());
