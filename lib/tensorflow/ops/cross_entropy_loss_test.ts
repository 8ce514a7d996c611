import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import { crossEntropy, type CrossEntropyOptions } from "./cross_entropy_loss.ts";

await useTensorFlow();

interface Case extends Required<CrossEntropyOptions> {
  shape: [number, number];
  logits: number[];
  targets: number[];
  loss: (number | "NaN")[];
  gradient: (number | "NaN")[];
}
const { cases }: { cases: Case[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../../../tests/fixtures/cross_entropy/cross_entropy.json", import.meta.url)),
);

function assertNear(got: Iterable<number>, want: readonly (number | "NaN")[], label: string): void {
  const values = [...got];
  assertEquals(values.length, want.length, label);
  values.forEach((value, i) => {
    if (want[i] === "NaN") assertEquals(value, NaN, label);
    else assertAlmostEquals(value, want[i] as number, 2e-6 * Math.max(1, Math.abs(want[i] as number)), label);
  });
}

Deno.test("crossEntropy() and its gradient match PyTorch's, with every reduction, eager and compiled", () => {
  for (const { shape, logits, targets, loss, gradient, ...options } of cases) {
    const label = JSON.stringify({ shape, targets, ...options });
    tf.tidy(() => {
      const x = tf.tensor2d(logits, shape), y = tf.tensor1d(targets, "int32");
      const fn = (x: tf.Tensor, y: tf.Tensor) => {
        const value = crossEntropy(x, y, options);
        // The gradient of a mean over no rows is 0 times infinity here and 0 in PyTorch. Both are useless for training.
        return { value, slope: tf.grad((x) => tf.sum(crossEntropy(x, y, options)))(x) };
      };
      using compiled = compile(fn);
      for (const { value, slope } of [fn(x, y), compiled(x, y)]) {
        assertEquals(value.shape, options.reduction === "none" ? [shape[0]] : [], label);
        assertNear(value.dataSync(), loss, label);
        if (loss[0] !== "NaN") assertNear(slope.dataSync(), gradient, label);
      }
    });
  }
});

Deno.test("crossEntropy() adds the z-loss, as defined in float64", () => {
  const rows = [[1, 2, -3], [0.5, -0.25, 4]], targets = [2, 0];
  const want = rows.map((row, i) => {
    const logZ = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    const nll = logZ - row[targets[i]!]!, spread = logZ - (row[0]! + row[1]! + row[2]!) / 3;
    return 0.8 * nll + 0.2 * spread + 0.01 * logZ ** 2;
  });
  tf.tidy(() => {
    const got = crossEntropy(tf.tensor2d(rows), tf.tensor1d(targets, "int32"), {
      ...{ labelSmoothing: 0.2, zLoss: 0.01, reduction: "none" },
    });
    assertNear(got.dataSync(), want, "z-loss");
  });
});

Deno.test("crossEntropy() rejects wrong shapes, types and options, with a remedy", () => {
  tf.tidy(() => {
    const logits = tf.zeros([2, 3]), targets = tf.tensor1d([0, 1], "int32");
    const wrong: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
      [
        () => crossEntropy(tf.zeros([2, 1, 3]), targets),
        TypeError,
        "got float32 of shape [2,1,3]. Use tf.reshape",
      ],
      [() => crossEntropy(tf.zeros([2, 3], "int32"), targets), TypeError, "got int32 of shape [2,3]"],
      [
        () => crossEntropy(logits, tf.tensor1d([0], "int32")),
        TypeError,
        "expected targets of shape [2], got shape [1]",
      ],
      [() => crossEntropy(logits, tf.tensor1d([0, 1])), TypeError, 'Use tf.cast(targets, "int32")'],
      [
        () => crossEntropy(logits, targets, { labelSmoothing: 1.5 }),
        RangeError,
        "labelSmoothing in [0, 1], got 1.5",
      ],
      [() => crossEntropy(logits, targets, { zLoss: -1 }), RangeError, "zLoss to be a finite number"],
      [() => crossEntropy(logits, targets, { ignoreIndex: 0.5 }), RangeError, "ignoreIndex to be an integer"],
      [
        () => crossEntropy(logits, targets, { reduction: "max" as "sum" }),
        RangeError,
        "mean, sum or none, got max",
      ],
    ];
    for (const [work, kind, message] of wrong) assertThrows(work, kind, message);
  });
});
