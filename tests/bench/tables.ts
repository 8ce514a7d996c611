/**
 * `deno task bench:tables`: measures the time to open a folder of many runs as a table, from journals and from
 * `table.parquet`. Each measurement runs in a separate process.
 */
import { command, runCommand } from "../../lib/cli/command.ts";
import { numberOption } from "../../lib/cli/numbers.ts";
import { formatEvent, runPaths, stepTablePath } from "../../lib/record/mod.ts";
import { writeSyntheticRun } from "../support/synthetic_runs.ts";
import { runScript } from "./child.ts";
import { median } from "./measure.ts";
import type { Opened, OpenTask } from "./open_table.ts";

const program = command("bench:tables", "Measure the time to open many runs as a table.")
  .option("--runs <n>", "number of runs", numberOption("--runs"), 1000)
  .option("--steps <n>", "steps per run", numberOption("--steps"), 1000)
  .option("--rounds <n>", "number of rounds", numberOption("--rounds"), 5)
  .action(bench);

async function bench({ runs, steps, rounds }: Record<"runs" | "steps" | "rounds", number>): Promise<void> {
  const dir = Deno.makeTempDirSync();
  try {
    for (let run = 0; run < runs; run++) writeRun(dir, { seed: run, steps });
    // File times are trusted only after a delay. Wait for it, as for a folder that is opened later.
    await new Promise((resolve) => setTimeout(resolve, 3100));
    const times: Record<string, number[]> = {
      "from journals": [],
      "writing table.parquet": [],
      "from table.parquet": [],
    };
    const measure = async (name: string, what: OpenTask["what"]) => {
      const { result } = await runScript<Opened>("open_table.ts", { argument: { dir, what } });
      if (what === "open" && result.rows !== runs * steps) {
        throw new Error(`expected ${runs * steps} rows, got ${result.rows}`);
      }
      times[name]!.push(result.ms);
    };
    for (let round = 0; round < rounds; round++) {
      await measure("from journals", "open");
      await measure("writing table.parquet", "tabulate");
      await measure("from table.parquet", "open");
      Deno.removeSync(stepTablePath(dir));
    }
    for (const [name, ms] of Object.entries(times)) {
      const [least, middle] = [Math.min(...ms), median(ms)].map((one) => `${(one / 1000).toFixed(2)} s`);
      console.log(`${name.padEnd(22)} median ${middle}, least ${least}`);
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** A run whose figures have as many digits as real ones, and an evaluation every hundred steps. */
function writeRun(dir: string, { seed, steps }: { seed: number; steps: number }): void {
  const folder = writeSyntheticRun(dir, { losses: [], spec: { seed, steps }, end: "none" });
  const time = new Date().toISOString();
  const lines: string[] = [];
  for (let step = 1; step <= steps; step++) {
    const [loss, gradNorm] = [2 + Math.random(), Math.random()];
    const tokensPerSecond = 1e4 * Math.random();
    lines.push(formatEvent({ event: "step", step, lr: 1e-3 / 3, loss, gradNorm, tokensPerSecond, time }));
    if (step % 100 > 0) continue;
    lines.push(formatEvent({ event: "eval", step, loss, bitsPerByte: loss, tokens: 1000, seconds: 1, time }));
  }
  Deno.writeTextFileSync(runPaths(folder).journal, `${lines.join("\n")}\n`, { append: true });
}

if (import.meta.main) await runCommand(program, Deno.args);
