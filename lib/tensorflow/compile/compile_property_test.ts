/**
 * The property of `compile()`: random small programs of a GPT's ops give the same values and gradients eagerly, as a
 * graph and under XLA.
 */
import * as tf from "@tensorflow/tfjs";
import { assert } from "@std/assert";
import { createRandom, type Random } from "../../text/random.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "./compile.ts";
import { layerNorm } from "../ops/layer_norm.ts";
import { causalSoftmax } from "../ops/causal_attention.ts";
import { sparseCrossEntropy } from "../ops/cross_entropy.ts";
import { linear } from "../ops/linear.ts";
import { embedding, gelu } from "../ops/units.ts";

await useTensorFlow();

/** T rows of width C, in H heads. */
const T = 6, C = 8, H = 2;

/** The inputs of a program. */
type Inputs = {
  x: tf.Tensor;
  weight: tf.Tensor;
  bias: tf.Tensor;
  gain: tf.Tensor;
};

/** A step from [T, C] to [T, C]. `other` is an earlier value of the same shape. */
type Step = (x: tf.Tensor, inputs: Inputs & { other: tf.Tensor; ids: tf.Tensor1D }) => tf.Tensor;

const heads = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [T, H, C / H]), [1, 0, 2]);

/** Every third element. */
const MASK = tf.tensor(Array.from({ length: T * C }, (_, i) => i % 3 === 0), [T, C], "bool");

const STEPS: Record<string, Step> = {
  linear: (x, p) => linear(x, p),
  matMul: (x, { weight }) => tf.matMul(x, weight as tf.Tensor2D, false, true),
  layerNorm: (x, { gain, bias }) => layerNorm(x, { weight: gain, bias }),
  gelu: (x) => gelu(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.mul(x, tf.sigmoid(x)),
  relu: (x) => tf.relu(x),
  softmax: (x) => tf.softmax(x),
  logSoftmax: (x) => tf.logSoftmax(x),
  attention: (x, { other }) => {
    const scores = tf.matMul(heads(x), heads(other), false, true);
    const context = tf.matMul(causalSoftmax(scores, 1 / Math.sqrt(C / H)), heads(other));
    return tf.reshape(tf.transpose(context, [1, 0, 2]), [T, C]);
  },
  embedding: (x, { weight, ids }) => tf.add(x, embedding(weight, ids)),
  gather: (x, { ids }) => tf.gather(x, tf.minimum(ids, tf.scalar(T - 1, "int32"))),
  add: (x, { other }) => tf.add(x, other),
  broadcast: (x, { bias, gain }) => tf.add(tf.mul(x, gain), bias),
  multiply: (x, { other }) => tf.mul(x, tf.tanh(other)),
  divide: (x, { other }) => tf.div(x, tf.add(tf.square(other), 1)),
  center: (x) => tf.sub(x, tf.mean(x, 1, true)),
  scale: (x) => tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), 1))),
  rotate: (x) => tf.concat([tf.slice(x, [0, 3], [T, C - 3]), tf.slice(x, [0, 0], [T, 3])], 1),
  split: (x) => tf.concat(tf.split(x, 2, 1).reverse(), 1),
  stack: (x, { other }) => tf.sum(tf.stack([x, other]), 0),
  unstack: (x) => tf.stack(tf.unstack(x).reverse()),
  exponential: (x) => tf.exp(tf.minimum(x, 1)),
  logarithm: (x) => tf.log(tf.add(tf.square(x), 1)),
  root: (x) => tf.sqrt(tf.add(tf.square(x), 1)),
  where: (x, { other }) => tf.where(MASK, x, other),
  power: (x) => tf.pow(tf.add(tf.abs(x), 1), 0.5),
  pad: (x) => tf.slice(tf.pad(x, [[1, 0], [0, 0]]), [0, 0], [T, C]),
};

/** Returns the names of a random program's steps. */
function randomProgram(random: Random): string[] {
  const names = Object.keys(STEPS);
  return Array.from({ length: 3 + random.integer(6) }, () => names[random.integer(names.length)]!);
}

/** Returns a program's loss, the gradients of all its inputs, and its last value. */
function evaluate(program: readonly string[], inputs: Inputs, ids: tf.Tensor): tf.Tensor[] {
  let last: tf.Tensor | undefined;
  const names = Object.keys(inputs) as (keyof Inputs)[];
  const loss = (...values: tf.Tensor[]) => {
    const given = Object.fromEntries(names.map((name, i) => [name, values[i]!])) as unknown as Inputs;
    let x = given.x, other = given.x;
    for (const name of program) {
      const next = STEPS[name]!(x, { ...given, other, ids: ids as tf.Tensor1D });
      other = x;
      x = next;
    }
    // Every input contributes to the loss and therefore has a gradient.
    const logits = linear(tf.mul(x, given.gain), given);
    last = tf.keep(logits);
    return tf.mean(sparseCrossEntropy(logits, ids)) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => inputs[name]));
  const logits = tf.clone(last!);
  last!.dispose();
  return [value, logits, ...grads];
}

/**
 * Returns the largest difference of two tensors, in units of 2^-24 times their scale. Each op rounds once per result,
 * and its sums have at most 48 terms. Through fewer than 100 ops with gains near 1, rounding stays in the hundreds. A
 * wrong op, axis or gradient gives millions.
 */
function distance(a: tf.Tensor, b: tf.Tensor): number {
  const x = a.dataSync(), y = b.dataSync();
  let far = 0, scale = 1;
  for (let i = 0; i < x.length; i++) {
    far = Math.max(far, Math.abs(x[i]! - y[i]!));
    scale = Math.max(scale, Math.abs(x[i]!));
    if (Number.isNaN(x[i]!) !== Number.isNaN(y[i]!)) return Infinity;
  }
  return far / scale * 2 ** 24;
}

const BOUND = 2 ** 9;

function check(mode: "graph" | "xla", programs: number): void {
  const random = createRandom(7, `compile/${mode}`);
  const values = (shape: number[], mean = 0) => {
    const data = random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)), { mean, std: 0.5 });
    return tf.tensor(data, shape);
  };
  for (let k = 0; k < programs; k++) {
    const program = randomProgram(random);
    const inputs = { x: values([T, C]), weight: values([C, C]), bias: values([C]), gain: values([C], 1) };
    const ids = tf.tensor1d(Int32Array.from({ length: T }, () => random.integer(C)), "int32");
    const eager = evaluate(program, inputs, ids);
    using compiled = compile((given: Inputs, ids: tf.Tensor) => evaluate(program, given, ids), { mode });
    const results = compiled(inputs, ids);
    for (const [i, result] of results.entries()) {
      const far = distance(eager[i]!, result);
      assert(far <= BOUND, `${program.join(" > ")}: result ${i} differs by ${far} units`);
    }
    tf.dispose([inputs, ids, eager, results]);
  }
}

Deno.test("compile() in graph mode agrees with eager on random programs, gradients included", () => {
  check("graph", 150);
});

Deno.test("compile() under XLA agrees with eager on random programs, gradients included", () => {
  check("xla", 12);
});
