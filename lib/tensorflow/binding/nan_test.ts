/**
 * NaN and infinities by PyTorch's rules, in eager, graph and XLA mode and in fused functions.
 *
 * The rules come from PyTorch 2.15's documentation. Each was also run in PyTorch on NaN, ±Inf and finite values:
 *
 * | Operation | Rule |
 * | --- | --- |
 * | `torch.maximum`, `minimum`, `amax`, `amin`, `clamp`, `max_pool2d` | NaN if any operand is NaN |
 * | `torch.argmax`, `argmin`, `topk` | NaN counts as the selected extreme, for `topk` as the largest value |
 * | `softmax`, `log_softmax` | exp(x - max) / sum: a row with NaN or +Inf, or of -Inf alone, is NaN throughout |
 * | `scaled_dot_product_attention` with `is_causal` | a bias of -Inf is added: masked NaN and +Inf also give NaN |
 * | `relu`, `relu6`, `elu`, `selu`, `leaky_relu`, `prelu`, `softplus`, `sigmoid`, `tanh`, `gelu` | NaN for NaN; the limit for ±Inf, except NaN for `gelu(-Inf)` |
 * | `sum`, `mean`, `prod`, `cumsum`, `vector_norm(inf)` | IEEE 754: Inf - Inf and 0 Inf are NaN |
 * | `logsumexp` | Inf for a row with Inf and without NaN; -Inf for a row of -Inf alone; gradient exp(x - logsumexp(x)) |
 * | `layer_norm`, `cross_entropy` | by their formulas: a row with NaN or +Inf is NaN |
 */
import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import seedrandom from "seedrandom";
import { useTensorFlow } from "./backend.ts";
import { causalSoftmax } from "../ops/causal_attention.ts";
import { compile } from "../compile/compile.ts";
import { sparseCrossEntropy } from "../ops/cross_entropy.ts";
import { fused } from "./fused.ts";
import { layerNorm } from "../ops/layer_norm.ts";
import { toBfloat16, toFloat32, trueDtype } from "./true_dtype.ts";
import { gelu } from "../ops/units.ts";

await useTensorFlow({ device: "cpu" });

/** An operation on two tensors of shape [N, C], and its values by the rules, row by row. */
interface Rule {
  run: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;
  row: (x: number[], y: number[]) => number[];
}

const each = (run: Rule["run"], value: (x: number, y: number) => number): Rule => ({
  run,
  row: (x, y) => x.map((value_, i) => value(value_, y[i]!)),
});
const whole = (run: Rule["run"], value: (x: number[]) => number): Rule => ({ run, row: (x) => [value(x)] });

const sum = (x: number[]) => x.reduce((total, value) => total + value, 0);
const softmax = (x: number[]) => {
  const max = Math.max(...x),
    exponentials = x.map((value) => Math.exp(value - max)),
    total = sum(exponentials);
  return exponentials.map((value) => value / total);
};
/** Returns the index of the first NaN, else of the extreme value. */
const place = (x: number[], extreme: number) => {
  const nan = x.findIndex(Number.isNaN);
  return nan >= 0 ? nan : x.indexOf(extreme);
};
const SELU = { scale: 1.0507009873554805, alpha: 1.6732632423543772 };

const RULES: Record<string, Rule> = {
  softmax: { run: (x) => tf.softmax(x), row: softmax },
  logSoftmax: {
    run: (x) => tf.logSoftmax(x),
    row: (x) => {
      const max = Math.max(...x), logTotal = Math.log(sum(x.map((value) => Math.exp(value - max))));
      return x.map((value) => value - max - logTotal);
    },
  },
  max: whole((x) => tf.max(x, 1), (x) => Math.max(...x)),
  min: whole((x) => tf.min(x, 1), (x) => Math.min(...x)),
  sum: whole((x) => tf.sum(x, 1), sum),
  mean: whole((x) => tf.mean(x, 1), (x) => sum(x) / x.length),
  // Use few numbers: with more, overflow depends on their order.
  prod: whole(
    (x) => tf.prod(tf.slice(x, 0, [x.shape[0]!, 5]), 1),
    (x) => x.slice(0, 5).reduce((product, value) => product * value, 1),
  ),
  norm: whole((x) => tf.norm(x, Infinity, 1), (x) => Math.max(...x.map(Math.abs))),
  argMax: whole((x) => tf.argMax(x, 1), (x) => place(x, Math.max(...x))),
  argMin: whole((x) => tf.argMin(x, 1), (x) => place(x, Math.min(...x))),
  topk: {
    run: (x) => tf.topk(x, 3).values,
    row: (x) => {
      const rank = (value: number) => Number.isNaN(value) ? [1, 0] : [0, value];
      return x.toSorted((a, b) => {
        const [nanA, valueA] = rank(a) as [number, number], [nanB, valueB] = rank(b) as [number, number];
        return nanB - nanA || (valueA === valueB ? 0 : valueB - valueA);
      }).slice(0, 3);
    },
  },
  cumsum: {
    run: (x) => tf.cumsum(x, 1),
    row: (x) => {
      let total = 0;
      return x.map((value) => total += value);
    },
  },
  maxPool: {
    run: (x) => {
      const [N, C] = x.shape as [number, number];
      return tf.reshape(tf.maxPool(tf.reshape(x, [N, C, 1, 1]) as tf.Tensor4D, [2, 1], [2, 1], "same"), [
        N,
        -1,
      ]);
    },
    row: (x) =>
      Array.from({ length: Math.ceil(x.length / 2) }, (_, i) => Math.max(...x.slice(2 * i, 2 * i + 2))),
  },
  maximum: each((x, y) => tf.maximum(x, y), Math.max),
  minimum: each((x, y) => tf.minimum(x, y), Math.min),
  clipByValue: each((x) => tf.clipByValue(x, -1, 2), (x) => Math.min(2, Math.max(-1, x))),
  relu: each((x) => tf.relu(x), (x) => Math.max(0, x)),
  relu6: each((x) => tf.relu6(x), (x) => Math.min(6, Math.max(0, x))),
  elu: each((x) => tf.elu(x), (x) => x > 0 ? x : Math.expm1(x)),
  "elu's gradient": each((x) => tf.grad((x) => tf.elu(x))(x), (x) => x > 0 ? 1 : Math.exp(x)),
  selu: each((x) => tf.selu(x), (x) => SELU.scale * (x > 0 ? x : SELU.alpha * Math.expm1(x))),
  leakyRelu: each((x) => tf.leakyRelu(x, 0.25), (x) => x > 0 ? x : 0.25 * x),
  prelu: each((x) => tf.prelu(x, tf.scalar(0.25)), (x) => x > 0 ? x : 0.25 * x),
  sigmoid: each((x) => tf.sigmoid(x), (x) => 1 / (1 + Math.exp(-x))),
  tanh: each((x) => tf.tanh(x), Math.tanh),
  softplus: each((x) => tf.softplus(x), (x) => x > 20 ? x : Math.log1p(Math.exp(x))),
  "hard sigmoid": each(
    (x) => tf.clipByValue(tf.add(tf.mul(x, 0.2), 0.5), 0, 1),
    (x) => Math.min(1, Math.max(0, x * 0.2 + 0.5)),
  ),
  gelu: each(gelu, (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  "relu of a sum": each((x, y) => tf.relu(tf.add(x, y)), (x, y) => Math.max(0, x + y)),
};

/** Operations that TensorFlow fuses, or that end in a fused activation. */
const FORMS: Record<string, Rule> = {
  causalSoftmax: {
    run: (x) => {
      const [N, C] = x.shape as [number, number];
      const rows = tf.pad(x, [[0, C - N], [0, 0]]);
      return tf.slice(tf.reshape(causalSoftmax(tf.reshape(rows, [1, 1, C, C]), 1), [C, C]), 0, N);
    },
    row: softmax, // of masked scores (see `maskedRows`)
  },
  layerNorm: {
    run: (x) => layerNorm(x, { weight: tf.ones([x.shape[1]!]), bias: tf.zeros([x.shape[1]!]) }),
    row: (x) => {
      const mean = sum(x) / x.length, centered = x.map((value) => value - mean);
      const variance = sum(centered.map((value) => value ** 2)) / x.length;
      return centered.map((value) => value / Math.sqrt(variance + 1e-5));
    },
  },
  crossEntropy: whole(
    (x) => tf.expandDims(sparseCrossEntropy(x, tf.zeros([x.shape[0]!], "int32")), 1),
    (x) => {
      const max = Math.max(...x);
      return Math.log(sum(x.map((value) => Math.exp(value - max)))) - (x[0]! - max);
    },
  ),
};
for (const activation of ["relu", "relu6", "elu", "leakyrelu", "sigmoid", "tanh"] as const) {
  const activate = {
    relu: RULES.relu!,
    relu6: RULES.relu6!,
    elu: RULES.elu!,
    leakyrelu: each((x) => tf.leakyRelu(x, 0.25), (x) => x > 0 ? x : 0.25 * x),
    sigmoid: RULES.sigmoid!,
    tanh: RULES.tanh!,
  }[activation];
  const row = (x: number[]) => {
    const bias = 0.5, total = sum(x.map((value) => value * 0.125)) + bias;
    return activate.row([total, total, total], []);
  };
  const weights = (C: number) => tf.fill([C, 3], 0.125) as tf.Tensor2D;
  FORMS[`matMul, bias, ${activation}`] = {
    run: (x, y) =>
      activate.run(tf.add(tf.matMul(x as tf.Tensor2D, weights(x.shape[1]!)), tf.fill([3], 0.5)), y),
    row,
  };
  // tfjs-node's fused products lack tanh.
  if (activation !== "tanh") {
    FORMS[`fused.matMul, ${activation}`] = {
      run: (x) =>
        tf.fused.matMul({
          a: x as tf.Tensor2D,
          b: weights(x.shape[1]!),
          bias: tf.fill([3], 0.5),
          activation,
          ...activation === "leakyrelu" && { leakyreluAlpha: 0.25 },
        }),
      row,
    };
  }
  FORMS[`conv2d, bias, ${activation}`] = {
    run: (x, y) => {
      const [N, C] = x.shape as [number, number];
      const image = tf.reshape(x, [N, 1, 1, C]) as tf.Tensor4D;
      const filter = tf.reshape(weights(C), [1, 1, C, 3]) as tf.Tensor4D;
      return tf.reshape(activate.run(tf.add(tf.conv2d(image, filter, 1, "valid"), tf.fill([3], 0.5)), y), [
        N,
        3,
      ]);
    },
    row,
  };
}

/** Returns rows of each kind: finite, with one special value, with several, of -Inf alone, mixed. */
function inputs(N: number, C: number, seed: string): number[][] {
  const random = seedrandom(seed);
  const special = [NaN, Infinity, -Infinity];
  return Array.from({ length: N }, (_, row) => {
    const values = Array.from({ length: C }, () => Math.round((random() - 0.5) * 2048) / 128);
    const put = (value: number) => values[Math.floor(random() * C)] = value;
    const kind = row % 8;
    if (kind >= 1 && kind <= 3) put(special[kind - 1]!);
    if (kind === 4) values.fill(-Infinity);
    if (kind === 5) { for (let i = 0; i < 4; i++) put(special[Math.floor(random() * 3)]!); }
    if (kind === 6) { for (let i = 0; i < 4; i++) put(special[1 + Math.floor(random() * 2)]!); }
    return values;
  });
}

/** Adds -Inf to the scores that causal attention masks. */
const masked = (x: number[], query: number) => x.map((value, key) => key > query ? value - Infinity : value);

const describe = (value: number) =>
  Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? "finite" : `${value}`;

/** Returns the first value of another class than expected or, with float32's precision, another number. */
function difference(got: ArrayLike<number>, want: number[], precise: boolean): string | undefined {
  if (got.length !== want.length) return `${got.length} values for ${want.length}`;
  const at = want.findIndex((b, i) => {
    const a = got[i]!;
    if (describe(a) !== describe(b)) return true;
    return precise && Number.isFinite(b) && Math.abs(a - b) > 1e-4 * (1 + Math.abs(b));
  });
  return at < 0 ? undefined : `${got[at]} for ${want[at]} at ${at}`;
}

/** A small size, and one large enough for fused functions to be compiled. */
const SIZES: [N: number, C: number][] = [[24, 37], [264, 520]];

for (const [kind, rules] of [["operations", RULES], ["single operations and fused forms", FORMS]] as const) {
  for (const [type, convert] of [["float32", toFloat32], ["bfloat16", toBfloat16]] as const) {
    Deno.test(`NaN and infinities follow PyTorch's rules: ${kind}, ${type}`, () => {
      const problems: string[] = [];
      for (const [N, C] of type === "float32" ? SIZES : SIZES.slice(0, 1)) {
        const rows = inputs(N, C, `x${N}`), others = inputs(N, C, `y${N}`).toReversed();
        const x = convert(tf.tensor2d(rows)), y = convert(tf.tensor2d(others));
        const [roundedX, roundedY] = [x, y].map((tensor) => toFloat32(tensor).arraySync() as number[][]);
        for (const [name, { run, row }] of Object.entries(rules)) {
          const want = roundedX!.flatMap((values, i) =>
            row(name === "causalSoftmax" ? masked(values, i) : values, roundedY![i]!)
          );
          const modes: Record<string, (x: tf.Tensor, y: tf.Tensor) => tf.Tensor> = { eager: run };
          using graph = compile(run), xla = compile(run, { mode: "xla" });
          Object.assign(modes, { graph, xla });
          if (N > 100 && rules === RULES) {
            const inner = fused(`nan ${name} ${type}`, ([x, y]) => [run(x!, y!)]);
            modes.fused = compile((x: tf.Tensor, y: tf.Tensor) => inner([x, y], {})[0]!);
          }
          for (const [mode, fn] of Object.entries(modes)) {
            tf.tidy(() => {
              const got = toFloat32(tf.cast(fn(x, y), "float32")).dataSync();
              const wrong = difference(got, want, type === "float32");
              if (wrong !== undefined) problems.push(`${name}, ${mode}, [${N}, ${C}]: ${wrong}`);
            });
          }
        }
      }
      assertEquals(problems, []);
    });
  }
}

Deno.test("kernels that propagate NaN accept empty tensors, and maxima of no window are empty", () => {
  for (const shape of [[0, 1], [0, 3], [1, 0, 1, 1]]) {
    const x = tf.zeros(shape);
    const axis = shape.indexOf(0) === 0 ? 1 : 0;
    const reduced = shape.filter((_, i) => i !== axis);
    assertEquals(tf.argMax(x, axis).shape, reduced);
    assertEquals(tf.argMin(x, axis).shape, reduced);
    assertEquals(tf.max(x, axis).shape, reduced);
    assertEquals(tf.prelu(x, tf.scalar(0.5)).shape, shape);
  }
  assertEquals(tf.topk(tf.zeros([0, 1]), 1).values.shape, [0, 1]);
  assertEquals(tf.maxPool(tf.ones<tf.Rank.R4>([1, 1, 1, 1]), 2, 2, "valid").shape, [1, 0, 0, 1]);
  assertEquals(tf.maxPool(tf.ones<tf.Rank.R4>([0, 1, 1, 1]), 1, 1, "valid").shape, [0, 1, 1, 1]);
});

Deno.test("prelu of int32 tensors returns float32", () => {
  for (const [x, alpha] of [["int32", "float32"], ["float32", "int32"], ["int32", "int32"]] as const) {
    const result = tf.prelu(tf.tensor1d([0, 1, -2, -4], x), tf.tensor1d([3, 3, 2, 5], alpha));
    assertEquals([result.dtype, Array.from(result.dataSync())], ["float32", [0, 1, -4, -20]]);
  }
  const half = tf.prelu(tf.tensor1d([0, 1, -2, -4], "int32"), tf.tensor1d([0.15, 0.2, 0.25, 0.5]));
  assertEquals(Array.from(half.dataSync()), [0, 1, -0.5, -2]);
});

Deno.test("logSumExp of infinite values follows PyTorch, eager, in graphs and under XLA, in float32 and bfloat16", () => {
  const inf = Infinity;
  const cases: readonly (readonly [row: number[], want: number])[] = [
    ...[[[-inf, -inf], -inf], [[inf, 1], inf], [[inf, inf], inf], [[inf, -inf], inf]] as const,
    ...[[[NaN, 1], NaN], [[NaN, inf], NaN], [[-inf, 3], 3]] as const,
  ].map(([row, want]) => [[...row], want]);
  const rows = tf.tensor2d(cases.map(([row]) => row)), want = cases.map(([, value]) => value);
  const fn = (x: tf.Tensor) => tf.logSumExp(x, 1);
  using graph = compile(fn);
  using xla = compile(fn, { mode: "xla" });
  for (const run of [fn, graph, xla]) {
    for (const x of [rows, toBfloat16(rows)]) {
      const result = run(x);
      assertEquals([Array.from(result.dataSync()), trueDtype(result)], [want, trueDtype(x)]);
    }
  }
  assertEquals(tf.logSumExp(tf.tensor2d([[0, 0]]), 1, true).shape, [1, 1]);
});

Deno.test("the gradient of logSumExp is exp(x - result) for infinite values, eager, in graphs and under XLA", () => {
  const inf = Infinity, big = 3e38; // near the largest finite number of float32 and bfloat16
  const cases: readonly (readonly [row: number[], want: number[]])[] = [
    [[inf, 1], [NaN, 0]],
    [[inf, 100], [NaN, 0]], // exp(100) overflows
    [[inf, big], [NaN, 0]],
    [[inf, 0], [NaN, 0]],
    [[inf, -inf], [NaN, 0]],
    [[inf, inf], [NaN, NaN]],
    [[-inf, -inf], [NaN, NaN]],
    [[-inf, 3], [0, 1]],
    [[big, 1], [1, 0]],
    [[NaN, 1], [NaN, NaN]],
    [[2, 2], [0.5, 0.5]],
  ];
  const rows = tf.tensor2d(cases.map(([row]) => row)), want = cases.flatMap(([, row]) => row);
  const fn = (x: tf.Tensor) => tf.grad((x) => tf.logSumExp(x, 1))(x);
  using graph = compile(fn);
  using xla = compile(fn, { mode: "xla" });
  for (const run of [fn, graph, xla]) {
    for (const x of [rows, toBfloat16(rows)]) assertEquals(Array.from(run(x).dataSync()), want);
  }
});
