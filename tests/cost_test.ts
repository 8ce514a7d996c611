/**
 * Cost of a token in a decoder and in a training step, as operations and native calls.
 */
import { currentTensorFlow } from "../lib/tensorflow/binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertGreater, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import {
  Decoder,
  flopsPerToken,
  type GptConfig,
  gptLogits,
  initialParameters,
  parameterShapes,
  toParameters,
} from "../lib/model/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import { lossAndGradients } from "../lib/train/gradients.ts";

await useTensorFlow();
const { binding } = currentTensorFlow();

const configOf = (blockSize: number): GptConfig => ({
  nLayer: 2,
  nHead: 2,
  nEmbd: 16,
  vocabSize: 23,
  blockSize,
});

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Number of weights in matrix products. Each token is multiplied by all of them. */
const WEIGHTS = Object.entries(parameterShapes(configOf(8)))
  .filter(([name, shape]) => shape.length === 2 && !name.startsWith("wpe"))
  .reduce((sum, [, shape]) => sum + sizeOf(shape), 0);

/** Counts: operations of matrix products, numbers created by other ops, and calls of the native library. */
interface Work {
  products: number;
  others: number;
  calls: number;
}

/** Counts the ops of `work`, including traced ops. */
function count(work: () => void): Work {
  const found: Work = { products: 0, others: 0, calls: 0 };
  const { executeOp, execute } = binding;
  const sized = (shapes: readonly { shape: number[] }[]) =>
    shapes.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  binding.executeOp = (name, attributes, ids, outputs) => {
    const results = executeOp.call(binding, name, attributes, ids, outputs);
    if (name.includes("MatMul")) {
      const flag = (wanted: string[]) => attributes.find(({ name }) => wanted.includes(name))?.value === true;
      const rows = flag(["transpose_a", "adj_x"]) ? -2 : -1; // the axis that is summed over
      found.products += 2 * sized(results) * binding.metadata(ids[0]!).shape.at(rows)!;
    } else found.others += sized(results);
    return results;
  };
  binding.execute = (name, call) => {
    found.calls++;
    return execute.call(binding, name, call);
  };
  try {
    work();
  } finally {
    Object.assign(binding, { executeOp, execute });
  }
  return found;
}

/** Counts of a decoder's first step after a prompt, which is traced, and of later steps, which repeat the traced function. */
function stepCosts(S: number): { traced: Work; later: Work[] } {
  const config = configOf(S), parameters = toParameters(initialParameters(config, 5));
  using decoder = new Decoder(parameters, config);
  decoder.read([[3, 1, 4]]);
  const traced = count(() => decoder.read([[1]]));
  const later = Array.from({ length: S - 4 }, (_, i) => count(() => decoder.read([[i % 23]])));
  assertEquals(decoder.traces, 1);
  tf.dispose(parameters);
  return { traced, later };
}

Deno.test("a Decoder needs O(S) FLOPs per token: 2 P + 4 L C S in products, others linear in S", () => {
  const sizes = [32, 64, 128, 256];
  const costs = sizes.map((S) => stepCosts(S).traced);
  for (const [i, S] of sizes.entries()) assertEquals(costs[i]!.products, 2 * WEIGHTS + 4 * 2 * 16 * S);
  // A straight line: twice the difference in S gives twice the difference in created numbers.
  const steps = costs.slice(1).map(({ others }, i) => others - costs[i]!.others);
  assertGreater(steps[0]!, 0);
  assertEquals(steps.slice(1), steps.slice(0, -1).map((step) => 2 * step));
});

Deno.test("every later token takes one native call", () => {
  const { later } = stepCosts(32);
  for (const work of later) assertEquals(work, { products: 0, others: 0, calls: 1 });
});

Deno.test("without a cache, a token takes O(T^2) operations", () => {
  const cost = (T: number) => {
    const config = configOf(256), parameters = toParameters(initialParameters(config, 5));
    const work = count(() => tf.tidy(() => void gptLogits(parameters, tf.zeros([1, T], "int32"), config)));
    tf.dispose(parameters);
    return work.products;
  };
  for (const T of [32, 64, 128]) assertEquals(cost(T), T * 2 * WEIGHTS + 4 * 2 * 16 * T ** 2);
});

Deno.test("flopsPerToken() counts the products of a training step, with or without attention's masked half", () => {
  for (const T of [16, 64]) {
    for (const option of [{}, { tiedHead: false, bias: false }, { activation: "swiglu" }] as const) {
      const config = { ...configOf(64), ...option }, parameters = toParameters(initialParameters(config, 5));
      const B = 3, tokens = tf.zeros<tf.Rank.R2>([B, T], "int32");
      const step = () => {
        const { loss, gradients } = lossAndGradients(parameters, { x: tokens, y: tokens }, {
          model: config,
          policy: "float32",
        });
        tf.dispose([loss, gradients]);
      };
      const perToken = count(step).products / (B * T);
      const attention = 6 * config.nLayer * config.nEmbd * T; // its half that a causal model needs
      // The gradient of a bias can be computed as a product with ones.
      const biases = Object.entries(parameterShapes(config))
        .reduce(
          (sum, [name, shape]) => name.includes(".c_") && shape.length === 1 ? sum + shape[0]! : sum,
          0,
        );
      assertGreaterOrEqual(perToken, flopsPerToken(config, T));
      assertLessOrEqual(perToken, flopsPerToken(config, T) + attention + 2 * biases);
      tf.dispose([parameters, tokens]);
    }
  }
});
