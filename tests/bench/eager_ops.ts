/**
 * Measures the overhead of an eager op on small tensors: through the binding alone, and through TF.js. Prints one line of
 * JSON. Started by `run.ts`.
 *
 * @module
 */
import { currentTensorFlow } from "../../lib/tensorflow/binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import { compile, useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { median } from "./measure.ts";

/** Time per op in microseconds. */
export interface EagerCost {
  binding_us: number;
  tfjs_us: number;
  compiled_us: number;
}

/** Returns the median time of a call over rounds, in microseconds. */
function cost(call: () => void): number {
  const CALLS = 5000, ROUNDS = 9;
  const times = Array.from({ length: ROUNDS }, () => {
    const begin = performance.now();
    for (let i = 0; i < CALLS; i++) call();
    return (performance.now() - begin) * 1000 / CALLS;
  });
  return median(times.slice(2)); // the first rounds include JavaScript compilation
}

if (import.meta.main) {
  await useTensorFlow({ threads: 1 });
  const { backend, binding } = currentTensorFlow();
  const a = tf.ones([4]), b = tf.ones([4]);
  const ids = backend.getInputTensorIds([a, b]);
  const attributes = [{ name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }];
  using compiled = compile((a: tf.Tensor, b: tf.Tensor) => tf.add(a, b));
  const result: EagerCost = {
    binding_us: cost(() => binding.deleteTensor(binding.executeOp("AddV2", attributes, ids, 1)[0]!.id)),
    tfjs_us: cost(() => tf.add(a, b).dispose()),
    compiled_us: cost(() => compiled(a, b).dispose()),
  };
  console.log(JSON.stringify(result));
}
