/** `deno task train`: one run. */
import { join } from "node:path";
import { EXIT } from "../error/user_error.ts";
import { makePlan, parseSweepSpec, placePlan, readPlan, runSweep, watchSignals } from "../sweep/mod.ts";
import { command, numeric, policies, runCommand, vocabularies } from "./command.ts";
import { writeReport } from "./report_files.ts";

const NUMBERS = {
  "n-layer": "blocks",
  "n-head": "heads",
  "n-embd": "width",
  "lr": "peak learning rate",
  "min-lr": "learning rate at the last step",
  "warmup-steps": "steps of linear warm-up",
  "beta1": "AdamW's first decay rate",
  "beta2": "AdamW's second decay rate",
  "weight-decay": "decay of matrices per unit of learning rate",
  "clip": "largest gradient norm; 0: no clipping",
  "eval-every": "steps between evaluations",
  "eval-tokens": "validation tokens of an evaluation",
  "checkpoint-every": "steps between checkpoints",
} as const;

const program = command("train", "Trains one model and records the run.")
  .option("--out <folder>", "where the run and its report go (default: experiments/out/train)")
  .option("--data <corpus>", "shakespeare, or a text file in UTF-8", "shakespeare")
  .option("--vocab <name>", "char, or the size of a byte-pair vocabulary", "char")
  .option("--amp <policy>", "off, on, or the name of a policy", "off")
  .option("--seq <T>", "tokens in a sequence", numeric, 64)
  .option("--batch <B>", "sequences in a batch", numeric, 12)
  .option("--steps <n>", "training steps", numeric, 500)
  .option("--seed <n>", "seed of initial weights and batches", numeric, 1)
  .option("--threads <n>", "threads (default: the cores)", numeric)
  .action(trainOne);
for (const [name, description] of Object.entries(NUMBERS)) {
  program.option(`--${name} <number>`, description, numeric);
}

async function trainOne(options: Record<string, string | number | undefined>): Promise<void> {
  const { out, data, vocab, amp, seq, batch, steps, seed, threads, ...others } = options;
  const spec = parseSweepSpec({
    name: "train",
    data,
    vocab: vocabularies(String(vocab)),
    policy: policies(String(amp)),
    seq: [seq],
    tokensPerStep: Number(seq) * Number(batch),
    steps,
    seeds: [seed],
    ...(Number(steps) <= 10 && { warmupSteps: 0 }),
    ...others,
  }, "the command line");
  const dir = String(out ?? join("experiments", "out", "train"));
  const cores = readPlan(dir)?.threads ?? navigator.hardwareConcurrency;
  const plan = await makePlan(spec, threads === undefined ? cores : Number(threads));
  placePlan(dir, plan);
  using interruption = watchSignals();
  const outcome = await runSweep(plan, { dir, workers: 1, interruption });
  Deno.exitCode = outcome.exitCode;
  if (outcome.exitCode === EXIT.interrupted) {
    return console.error("interrupted: run the same command to go on");
  }
  if (outcome.finished > 0) {
    console.log(
      `\nreport: ${await writeReport(dir, { title: "train", print: (line) => console.log(line) })}`,
    );
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
