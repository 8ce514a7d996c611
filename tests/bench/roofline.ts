/**
 * Measures a lower bound of a training step: each matrix product timed alone, plus the remaining memory traffic at the speed
 * of a copy. Prints one line of JSON. Started by `growth.ts`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { completeConfig, parameterCount } from "../../lib/model/mod.ts";
import { compile, toBfloat16, useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { median } from "./measure.ts";
import { type BenchConfig, modelOf } from "./train_steps.ts";

/** Lower bound of a step. */
export interface Roofline {
  /** Time of all products of a step in milliseconds. */
  products_ms: number;
  /** Operations of the products, 10^9. */
  gflop: number;
  /** Memory traffic outside of the products, 10^9 bytes. */
  passes_gb: number;
}

/** Products of one kind: `batch` of [m, k] × [k, n], `count` times a step. */
interface Kind {
  batch: number;
  m: number;
  k: number;
  n: number;
  /** True for operands that are transposed in memory. */
  transposed: [boolean, boolean];
  count: number;
}

/** Queries per block of attention, the default of `causalAttention()`. */
const BLOCK = 64;
/** Number of products of a kind timed together, and number of rounds. */
const COPIES = 4, ROUNDS = 9;

/** Returns a product of the forward pass, and the two products of its backward pass. */
function withBackward({ batch, m, k, n, count }: Omit<Kind, "transposed">): Kind[] {
  return [
    { batch, m, k, n, count, transposed: [false, false] },
    { batch, m, k: n, n: k, count, transposed: [false, true] },
    { batch, m: k, k: m, n, count, transposed: [true, false] },
  ];
}

/** Returns all products of a training step. Logits are computed once, also for vocabularies that training divides in blocks. */
function productsOf(config: BenchConfig): Kind[] {
  const { n_layer: L, n_head: H, n_kv_head: keys = H, n_embd: C, vocab: V, seq: T, batch: B } = config;
  const { nInner: F, activation } = completeConfig(modelOf(config));
  const N = B * T, D = C / H, gates = activation === "swiglu" ? 2 : 1;
  const linear = [[C, C + 2 * keys * D], [C, C], [C, gates * F], [F, C]].flatMap(([k, n]) =>
    withBackward({ batch: 1, m: N, k: k!, n: n!, count: L })
  );
  const rows = Math.min(BLOCK, T);
  const attention = Array.from({ length: T / rows }, (_, i) => (i + 1) * rows).flatMap((seen) => [
    ...withBackward({ batch: B * H, m: rows, k: D, n: seen, count: L }),
    ...withBackward({ batch: B * H, m: rows, k: seen, n: D, count: L }),
  ]);
  return [...linear, ...attention, ...withBackward({ batch: 1, m: N, k: C, n: V, count: 1 })];
}

/** Returns the time per product of several products of a kind that run concurrently, in milliseconds. */
function timeOf({ batch, m, k, n, transposed: [a, b] }: Kind, precision: BenchConfig["precision"]): number {
  const matrices = (rows: number, columns: number) =>
    Array.from({ length: COPIES }, () => {
      const wide = tf.randomNormal(batch === 1 ? [rows, columns] : [batch, rows, columns]);
      return precision === "float32" ? wide : toBfloat16(wide);
    });
  const left = matrices(...(a ? [k, m] : [m, k]) as [number, number]);
  const right = matrices(...(b ? [n, k] : [k, n]) as [number, number]);
  using call = compile((left: tf.Tensor[], right: tf.Tensor[]) =>
    left.map((x, i) => tf.matMul(x, right[i]!, a, b))
  );
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const begin = performance.now();
    tf.dispose(call(left, right));
    return (performance.now() - begin) / COPIES;
  });
  tf.dispose([left, right]);
  return median(times.slice(1)); // the first round includes tracing
}

/**
 * Returns the minimum number of values read and written outside of the products.
 *
 * Per layer: residual sums with norms (4 reads or writes of [N, C], twice, forward and backward), the activation (GELU on F:
 * 2 forward, 3 backward; SwiGLU with 2 F inputs and F results: 3 F forward, 5 F backward), bias gradients (5 C + F), rotary
 * positions (2 forward and 2 backward over queries and keys), and the lower half of the softmax (2 forward, 3 backward). The
 * loss reads the logits and writes their gradient. Per parameter: 4 reads and 3 writes of the optimizer, and 1 read for the
 * gradient norm.
 */
function passesOf(config: BenchConfig): { activations: number; state: number } {
  const { n_layer: L, n_head: H, n_kv_head: keys = H, n_embd: C, vocab: V, seq: T, batch: B } = config;
  const { nInner: F, activation, bias, position } = completeConfig(modelOf(config));
  const values = 2 * 4 * C + 2 * 4 * C + (activation === "swiglu" ? 8 : 5) * F + (bias ? 5 * C + F : 0) +
    (position === "rotary" ? 4 * (C + keys * C / H) : 0);
  const layer = values * B * T + 5 * B * H * T * T / 2;
  return { activations: L * layer + 2 * B * T * V, state: 8 * parameterCount(modelOf(config)) };
}

if (import.meta.main) {
  const config: BenchConfig = JSON.parse(Deno.args[0]!);
  // As in a step: on two cores, products run on one thread each, two at the same time.
  await useTensorFlow({ threads: config.threads === 2 ? 1 : config.threads });
  const kinds = productsOf(config), { activations, state } = passesOf(config);
  const result: Roofline = {
    products_ms: kinds.reduce((sum, kind) => sum + kind.count * timeOf(kind, config.precision), 0),
    gflop: kinds.reduce((sum, { batch, m, k, n, count }) => sum + count * 2 * batch * m * k * n, 0) / 1e9,
    passes_gb: (activations * (config.precision === "float32" ? 4 : 2) + 4 * state) / 1e9,
  };
  console.log(JSON.stringify(result));
}
