/**
 * `deno task bench`: how fast the runtime is on this machine. Every figure comes from processes of their own, in rounds
 * that take turns.
 */
import { command, numeric, runCommand } from "../../lib/cli/command.ts";
import type { PolicyName } from "../../lib/tensorflow/mod.ts";
import { runScript } from "./child.ts";
import type { EagerCost } from "./eager_ops.ts";
import { median } from "./measure.ts";
import { type BenchConfig, type BenchResult, isFirstLoss } from "./train_steps.ts";

const program = command("bench", "Measures training steps and eager ops of this machine's TensorFlow.")
  .option("--n-layer <L>", "blocks", numeric, 4)
  .option("--n-head <H>", "attention heads", numeric, 4)
  .option("--n-embd <C>", "width", numeric, 128)
  .option("--vocab <V>", "vocabulary size", numeric, 65)
  .option("--seq <T>", "tokens in a sequence", numeric, 64)
  .option("--batch <B>", "sequences in a batch", numeric, 12)
  .option("--steps <n>", "timed steps of a round", numeric, 20)
  .option("--warmup <n>", "steps before them", numeric, 3)
  .option("--precision <policy>", "one policy alone (default: float32 and bf16-autocast)")
  .option("--threads <n>", "threads", numeric, navigator.hardwareConcurrency)
  .option("--rounds <n>", "rounds", numeric, 3)
  .option("--json", "lines of JSON in place of tables")
  .action(bench);

type Options = Record<"nLayer" | "nHead" | "nEmbd" | "vocab" | "seq" | "batch", number> & {
  steps: number;
  warmup: number;
  threads: number;
  rounds: number;
  precision?: PolicyName;
  json?: boolean;
};

/** What the rounds of one precision came to. */
interface Summary extends BenchResult {
  /** From the start of the process to the first loss, milliseconds. */
  start_to_first_loss_ms: number;
}

async function bench(options: Options): Promise<void> {
  const policies: PolicyName[] = options.precision ? [options.precision] : ["float32", "bf16-autocast"];
  const config = {
    n_layer: options.nLayer,
    n_head: options.nHead,
    n_embd: options.nEmbd,
    vocab: options.vocab,
    seq: options.seq,
    batch: options.batch,
    steps: options.steps,
    warmup: options.warmup,
    threads: options.threads,
  };
  const found = new Map<PolicyName, Summary[]>(policies.map((policy) => [policy, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const precision of policies) {
      const argument: BenchConfig = { ...config, precision };
      const { result, awaitedMs } = await runScript<BenchResult>("train_steps.ts", {
        argument,
        await: isFirstLoss,
      });
      found.get(precision)!.push({ ...result, start_to_first_loss_ms: awaitedMs });
    }
  }
  const eager = (await runScript<EagerCost>("eager_ops.ts")).result;
  const summaries = policies.map((policy) => middle(found.get(policy)!));
  if (options.json) return [...summaries, eager].forEach((line) => console.log(JSON.stringify(line)));
  for (const one of summaries) {
    console.log(
      `${one.precision.padEnd(14)} ${one.median_step_ms.toFixed(1)} ms a step (${
        Math.round(one.tokens_per_s).toLocaleString("en")
      } tokens/s), ` +
        `first step ${one.first_step_ms.toFixed(0)} ms with its trace, process start to first loss ` +
        `${one.start_to_first_loss_ms.toFixed(0)} ms, ${one.native_calls} native call a step, ` +
        `${one.peak_rss_mb.toFixed(0)} MiB`,
    );
  }
  console.log(
    `eager op       ${eager.binding_us.toFixed(1)} µs through the binding, ${
      eager.tfjs_us.toFixed(1)
    } µs through ` +
      `TF.js; a compiled function ${eager.compiled_us.toFixed(1)} µs`,
  );
}

/** Medians over rounds of what is measured. */
function middle(rounds: readonly Summary[]): Summary {
  const last = rounds.at(-1)!;
  const of = (key: keyof Summary) => median(rounds.map((round) => Number(round[key])));
  return {
    ...last,
    first_step_ms: of("first_step_ms"),
    median_step_ms: of("median_step_ms"),
    min_step_ms: of("min_step_ms"),
    p90: of("p90"),
    tokens_per_s: of("tokens_per_s"),
    peak_rss_mb: of("peak_rss_mb"),
    import_ms: of("import_ms"),
    start_to_first_loss_ms: of("start_to_first_loss_ms"),
  };
}

if (import.meta.main) await runCommand(program, Deno.args);
