import { currentTensorFlow } from "./backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertGreater, assertLessOrEqual, assertThrows } from "@std/assert";
import { useTensorFlow } from "./backend.ts";
import { compile } from "../compile/compile.ts";
import { fused } from "./fused.ts";
import { toBfloat16, toFloat32, trueDtype } from "./true_dtype.ts";
import { layerNorm } from "../ops/layer_norm.ts";
import { residual } from "../ops/residual.ts";
import { causalSoftmax } from "../ops/causal_attention.ts";
import { gelu } from "../ops/units.ts";

const tensorflow = await useTensorFlow();

/** Large enough for fused functions to be compiled. */
const N = 1024, C = 512;
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);

/**
 * Maximum error of a compiled function against its ops one by one, in units in the last place of the largest result.
 * Sums over C = 512 or N = 1024 numbers in another order differ by several float32 units. In bfloat16 that may change
 * one rounding, by one unit.
 */
const BOUNDS = { float32: 64 * 2 ** -23, bfloat16: 2 ** -8 };

/** Returns the largest error, as a fraction of its limit. */
function gap(fn: (...inputs: tf.Tensor[]) => tf.Tensor[], inputs: tf.Tensor[]): number {
  using compiled = compile(fn);
  return tf.tidy(() => {
    const want = fn(...inputs), got = compiled(...inputs);
    return Math.max(...want.map((tensor, i) => {
      assertEquals(trueDtype(got[i]!), trueDtype(tensor));
      const bound = BOUNDS[trueDtype(tensor) as keyof typeof BOUNDS];
      const [a, b] = [tensor.dataSync(), got[i]!.dataSync()];
      let largest = 0, most = 0;
      for (let j = 0; j < a.length; j++) {
        largest = Math.max(largest, Math.abs(a[j]!));
        most = Math.max(most, Math.abs(a[j]! - b[j]!));
      }
      return most / (largest * bound);
    }));
  });
}

const gradients = (fn: (inputs: tf.Tensor[]) => tf.Tensor[]) => (...inputs: tf.Tensor[]) =>
  tf.grads((...inputs) =>
    tf.addN(fn(inputs).map((tensor, i) => tf.sum(tf.mul(tensor, i + 0.5)) as tf.Scalar))
  )(inputs);

for (const [name, type] of [["float32", toFloat32], ["bfloat16", toBfloat16]] as const) {
  Deno.test(`fused units equal their ops one by one (${name})`, () => {
    const x = type(normal([N, C], 1)), y = type(normal([N, C], 2));
    const stream = normal([N, C], 3), gain = normal([C], 4), bias = normal([C], 5);
    const scores = type(normal([2, 2, C, C], 6));
    const dy = type(normal([N, C], 7)), dScores = type(normal([2, 2, C, C], 8));
    const chain = (fn: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor, dy: tf.Tensor) => [
      fn(x),
      tf.grad(fn)(x, dy),
    ];
    const cases: [string, number][] = [
      ["gelu", gap(chain(gelu) as never, [x, dy])],
      ["softmax", gap(chain((scores) => causalSoftmax(scores, 0.5)) as never, [scores, dScores])],
      [
        "layerNorm",
        gap((x, weight, bias) => [layerNorm(x!, { weight: weight!, bias: bias! })], [
          x,
          gain,
          bias,
        ]),
      ],
      [
        "layerNorm's gradient",
        gap(gradients(([x, weight, bias]) => [layerNorm(x!, { weight: weight!, bias: bias! })]), [
          x,
          gain,
          bias,
        ]),
      ],
      [
        "the gradient of a residual stream",
        gap(
          gradients(([stream, y, weight, bias]) => {
            const sum = residual(stream!, y!);
            const normal = layerNorm(sum, { weight: weight!, bias: bias! });
            return [residual(sum, tf.mul(normal, stream!))];
          }),
          [stream, y, gain, bias],
        ),
      ],
    ];
    for (const [unit, share] of cases) assertLessOrEqual(share, 1, unit);
  });
}

Deno.test("layerNorm() of a residual() sum equals that of any sum, and the stream continues from it, compiled as eager", () => {
  for (const rows of [4, N]) {
    const x = normal([rows, C], 1), y = normal([rows, C], 2), weight = normal([C], 3), bias = normal([C], 4);
    const block = (x: tf.Tensor) => {
      const sum = residual(x, y);
      const normal = layerNorm(sum, { weight, bias });
      return { sum, normal, next: residual(sum, normal), again: layerNorm(sum, { weight, bias }) };
    };
    using compiled = compile(block);
    const graph = compiled(x), eager = block(x);
    for (const { sum, normal, next, again } of [graph, eager]) {
      assertEquals(sum.dataSync(), tf.add(x, y).dataSync());
      assertEquals(next.dataSync(), tf.add(sum, normal).dataSync());
      assertEquals(again.dataSync(), normal.dataSync());
    }
    assertEquals(eager.normal.dataSync(), layerNorm(tf.add(x, y), { weight, bias }).dataSync());
  }
});

Deno.test("fused() traces equal signatures once per process, and repeats the same bits", () => {
  let traces = 0;
  const twice = fused("testTwice", ([x], { by }: { by: number }) => {
    traces++;
    return [tf.mul(x!, by)];
  });
  const x = normal([N, C], 1);
  const run = () => {
    using compiled = compile((x: tf.Tensor) => twice([twice([x], { by: 2 })[0]!], { by: 2 })[0]!);
    return compiled(x).dataSync();
  };
  const first = run();
  assertEquals(traces, 1);
  assertEquals(run(), first);
  assertEquals(traces, 1);
  assertEquals(first, tf.mul(x, 4).dataSync());
  using other = compile((x: tf.Tensor) => twice([x], { by: 3 })[0]!);
  other(x);
  assertEquals(traces, 2);
});

Deno.test("fused functions of a trace are compiled in parallel before its first call", () => {
  const names = ["testAheadA", "testAheadB", "testAheadC"];
  const parts = names.map((name, i) => fused<object>(name, ([x]) => [tf.mul(tf.exp(x!), i + 1)]));
  using compiled = compile((x: tf.Tensor) => parts.reduce((x, part) => part([x], {})[0]!, x));
  const x = normal([N, C], 9);
  const calls = () => {
    const before = currentTensorFlow().binding.executions;
    const result = compiled(tf.mul(x, 0)), at = result.dataSync()[0]!;
    result.dispose();
    return [currentTensorFlow().binding.executions - before, at];
  };
  const value = 3 * Math.exp(2 * Math.exp(1)), [first, at] = calls(), [second, again] = calls();
  assertGreater(first!, second!); // the first call also runs each function on zeros
  assertLessOrEqual(Math.abs(at! - value), 1e-5 * value);
  assertEquals(again, at);
});

Deno.test("fused() runs small data op by op, and rejects captured tensors", () => {
  const outside = tf.square(normal([N, C], 2)); // uploads the host values to the device
  const before = tensorflow.liveHandles;
  const careless = fused("testCareless", ([x]) => [tf.add(x!, outside)]);
  using large = compile((x: tf.Tensor) => careless([x], {})[0]!);
  const x = normal([N, C], 1), row = normal([1, C], 1);
  assertThrows(() => large(x), Error, "got a captured one");
  const result = large(row);
  assertEquals(result.shape, [N, C]);
  tf.dispose([x, row, result]);
  large.dispose();
  assertEquals(tensorflow.liveHandles, before);
  assertThrows(() => fused("testCareless", () => []), Error, "expected an unused name");
});

Deno.test("fused() supports several results, each with its own type and shape", () => {
  const parts = fused("testParts", ([x]) => [tf.sum(x!, 0), toBfloat16(x!), tf.scalar(3)]);
  using compiled = compile((x: tf.Tensor) => parts([x], {}));
  const [sum, low, three] = compiled(normal([N, C], 1)) as tf.Tensor[];
  assertEquals([sum, low, three].map((tensor) => tensor!.shape), [[C], [N, C], []]);
  assertEquals([sum, low, three].map((tensor) => trueDtype(tensor!)), ["float32", "bfloat16", "float32"]);
  assert(three!.dataSync()[0] === 3);
});
