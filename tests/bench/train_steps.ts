/**
 * losskit's side of the benchmark: trains a model on random tokens. Prints a line at the first loss, then the result as one
 * line of JSON with the same keys as the peers' scripts. Started by `run.ts`.
 *
 * @module
 */
import { currentTensorFlow } from "../../lib/tensorflow/binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import {
  ARCHITECTURES,
  type GptConfig,
  initialParameters,
  parameterCount,
  toParameters,
} from "../../lib/model/mod.ts";
import { type PolicyName, useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { zeroMoments } from "../../lib/train/mod.ts";
import { createTrainStep } from "../../lib/train/step.ts";
import { benchBatches } from "./batches.ts";
import { median, peakRss } from "./measure.ts";

/** Model, batch and number of steps of a run. */
export interface BenchConfig {
  /** Architecture. Default: gpt2. */
  architecture?: "gpt2" | "llama";
  n_layer: number;
  n_head: number;
  /** Heads of keys and values. Default: `n_head`. */
  n_kv_head?: number;
  n_embd: number;
  vocab: number;
  seq: number;
  batch: number;
  /** Number of timed steps after the warm-up. */
  steps: number;
  /** Number of untimed steps, including the first step. */
  warmup: number;
  precision: PolicyName;
  threads: number;
}

/** Result of a run. */
export interface BenchResult {
  library: string;
  version: string;
  mode: string;
  precision: string;
  config: BenchConfig & { parameters: number };
  first_step_ms: number;
  median_step_ms: number;
  min_step_ms: number;
  p90: number;
  tokens_per_s: number;
  /** CPU time of a timed step over all threads; 0 if the system does not report it. */
  cpu_step_ms: number;
  peak_rss_mb: number;
  import_ms: number;
  /** Loss before any update, after two updates, and after all updates. */
  first_loss: number;
  third_loss: number;
  last_loss: number;
  /** Native calls (ops and functions) per step after the first step. */
  native_calls: number;
}

const FIRST = "first loss";

/** Seed of the initial weights. Peers get the same weights. */
export const WEIGHT_SEED = 1337;

/** Returns true for the line of output at the first loss. */
export function isFirstLoss(line: string): boolean {
  return line.startsWith(FIRST);
}

/** Returns the CPU time of this process in milliseconds; 0 if the system does not report it. */
function cpuMs(): number {
  try {
    const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10; // user and system, in ticks of 1/100 s
  } catch {
    return 0;
  }
}

/** Returns the model config of a shape. */
export function modelOf(
  shape: Pick<BenchConfig, "architecture" | "n_layer" | "n_head" | "n_kv_head" | "n_embd" | "vocab" | "seq">,
): GptConfig {
  const { n_layer: nLayer, n_head: nHead, n_embd: nEmbd, vocab: vocabSize, seq: blockSize } = shape;
  const { architecture = "gpt2", n_kv_head: nKvHead = 0 } = shape;
  return { ...ARCHITECTURES[architecture], nLayer, nHead, nKvHead, nEmbd, vocabSize, blockSize };
}

async function trainSteps(config: BenchConfig): Promise<BenchResult> {
  const { vocab, seq: T, batch: B, warmup } = config;
  await useTensorFlow({ threads: config.threads });
  const { binding, runtime } = currentTensorFlow();
  const importMs = performance.now();
  const model = modelOf(config);
  const parameters = toParameters(initialParameters(model, WEIGHT_SEED));
  let state = { parameters, moments: zeroMoments(parameters) };
  using step = createTrainStep({
    model,
    policy: config.precision,
    execution: "graph",
    optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 },
  });
  const batches = benchBatches({ vocab, count: B * T });
  const times: number[] = [], losses: number[] = [];
  let calls = 0, cpuBefore = 0;
  for (let i = 0; i < warmup + config.steps; i++) {
    const { ids, targets } = batches.next().value!;
    const batch = { x: tf.tensor2d(ids, [B, T], "int32"), y: tf.tensor2d(targets, [B, T], "int32") };
    if (i === warmup) cpuBefore = cpuMs();
    const before = binding.executions;
    const begin = performance.now();
    const result = step(state, batch, { step: i + 1, lr: 1e-3 });
    times.push(performance.now() - begin);
    calls = binding.executions - before;
    losses.push(result.loss);
    state = result.state as typeof state;
    tf.dispose([batch.x, batch.y]);
    if (i === 0) console.log(`${FIRST} ${result.loss}`);
  }
  const cpuTotal = cpuMs() - cpuBefore;
  const timed = times.slice(warmup).sort((a, b) => a - b);
  const middle = median(timed);
  return {
    library: "losskit",
    version: `tensorflow ${runtime.version}`,
    mode: "graph",
    precision: config.precision,
    config: { ...config, parameters: parameterCount(model) },
    first_step_ms: times[0]!,
    median_step_ms: middle,
    min_step_ms: timed[0]!,
    p90: timed[Math.min(timed.length - 1, Math.floor(0.9 * timed.length))]!,
    tokens_per_s: B * T / middle * 1e3,
    cpu_step_ms: cpuTotal / config.steps,
    peak_rss_mb: peakRss(),
    import_ms: importMs,
    first_loss: losses[0]!,
    third_loss: losses[Math.min(2, losses.length - 1)]!,
    last_loss: losses.at(-1)!,
    native_calls: calls,
  };
}

if (import.meta.main) console.log(JSON.stringify(await trainSteps(JSON.parse(Deno.args[0]!))));
