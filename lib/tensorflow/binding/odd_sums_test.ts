/** Tests of bfloat16 products with odd and even sums against exact arithmetic, on every machine. */
import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { parseFormat, roundArray } from "../../precision/mod.ts";
import { createRandom } from "../../text/random.ts";
import { AttributeType } from "../native/attribute.ts";
import { elements } from "../native/c_values.ts";
import { compile } from "../compile/compile.ts";
import { wideningOf } from "../native/bfloat16_support.ts";
import { DataType } from "../native/dtype.ts";
import { currentTensorFlow, useTensorFlow } from "./backend.ts";
import { toBfloat16, toFloat32, trueDtype } from "./true_dtype.ts";

await useTensorFlow({ device: "cpu" });

const { runtime } = currentTensorFlow();

/** True if bfloat16 convolutions run in float32. Otherwise, the processor's kernels compute them, and are not tested. */
const isWidened = wideningOf(runtime).convolutions;

type Shape = readonly number[];

/** One product of an exact result: the positions of its two factors, and of the result that it is added to. */
type Term = readonly [result: number, a: number, b: number];

/** A product of two operands, and its terms. */
interface Case {
  readonly name: string;
  readonly shapes: readonly [a: Shape, b: Shape];
  readonly size: number; // number of results
  readonly run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  readonly terms: readonly Term[];
}

const T = { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT };
const flag = (name: string, value: boolean) => ({ name, type: AttributeType.BOOL, value });
const call = (name: string, attributes: { name: string; type: number; value: unknown }[], xs: tf.Tensor[]) =>
  currentTensorFlow().backend.executeSingleOutput(name, [T, ...attributes], xs);

/** Returns matrix products [M, K] x [K, N] with all transpositions, single, in batches, with a bias and as einsum. */
function matrixProducts([M, K, N]: readonly [number, number, number]): Case[] {
  const cases: Case[] = [];
  for (
    const [transposeA, transposeB] of [[false, false], [true, false], [false, true], [true, true]] as const
  ) {
    const a = transposeA ? [K, M] : [M, K], b = transposeB ? [N, K] : [K, N];
    const terms: Term[] = [];
    for (let i = 0; i < M; i++) {
      for (let j = 0; j < N; j++) {
        for (let k = 0; k < K; k++) {
          terms.push([i * N + j, transposeA ? k * M + i : i * K + k, transposeB ? j * K + k : k * N + j]);
        }
      }
    }
    const form = `[${a}] x [${b}]${transposeA ? ", a transposed" : ""}${transposeB ? ", b transposed" : ""}`;
    const single = { shapes: [a, b] as const, size: M * N, terms };
    cases.push({
      ...single,
      name: `MatMul ${form}`,
      run: (a, b) =>
        call("MatMul", [flag("transpose_a", transposeA), flag("transpose_b", transposeB)], [a, b]),
    });
    const batch = [0, 1].flatMap((n) =>
      terms.map(([out, x, y]): Term => [out + n * M * N, x + n * M * K, y + n * K * N])
    );
    cases.push({
      name: `BatchMatMulV2 ${form}`,
      shapes: [[2, ...a], [2, ...b]],
      size: 2 * M * N,
      terms: batch,
      run: (a, b) => call("BatchMatMulV2", [flag("adj_x", transposeA), flag("adj_y", transposeB)], [a, b]),
    });
    if (transposeA || transposeB) continue;
    cases.push(
      {
        ...single,
        name: `fused ${form}`,
        run: (a, b) =>
          tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: toBfloat16(tf.zeros([N])) }),
      },
      { ...single, name: `Einsum ${form}`, run: (a, b) => tf.einsum("ik,kj->ij", a, b) },
    );
  }
  return cases;
}

/** Returns a convolution without padding, of `width` columns in and a filter of 2 x 2, and its gradients. */
function convolutions(width: number, [C, O]: readonly [number, number]): Case[] {
  const out = width - 1;
  const input = [1, 2, width, C], filter = [2, 2, C, O], dy = [1, 1, out, O];
  const forward: Term[] = [], forInput: Term[] = [], forFilter: Term[] = [];
  for (let column = 0; column < out; column++) {
    for (let place = 0; place < 4; place++) {
      const [row, shift] = [place >> 1, place & 1];
      for (let c = 0; c < C; c++) {
        for (let o = 0; o < O; o++) {
          const x = (row * width + column + shift) * C + c, f = (place * C + c) * O + o, y = column * O + o;
          forward.push([y, x, f]);
          forInput.push([x, f, y]);
          forFilter.push([f, x, y]);
        }
      }
    }
  }
  const attributes = [
    { name: "strides", type: AttributeType.INT, value: [1, 1, 1, 1] },
    { name: "padding", type: AttributeType.STRING, value: "VALID" },
  ];
  const sizes = (shape: Shape) => tf.tensor1d([...shape], "int32");
  return [{
    name: `Conv2D of [${input}], [${filter}]`,
    shapes: [input, filter],
    size: elements(dy),
    terms: forward,
    run: (x, f) => call("Conv2D", attributes, [x, f]),
  }, {
    name: `Conv2DBackpropInput of [${filter}], [${dy}]`,
    shapes: [filter, dy],
    size: elements(input),
    terms: forInput,
    run: (f, y) => call("Conv2DBackpropInput", attributes, [sizes(input), f, y]),
  }, {
    name: `Conv2DBackpropFilter of [${input}], [${dy}]`,
    shapes: [input, dy],
    size: elements(filter),
    terms: forFilter,
    run: (x, y) => call("Conv2DBackpropFilter", attributes, [x, sizes(filter), y]),
  }];
}

const CASES = [
  ...([[4, 1, 3], [4, 5, 3], [5, 6, 4], [17, 37, 20], [33, 64, 33], [32, 48, 16], [33, 100, 20]] as const)
    .flatMap(matrixProducts),
  ...(isWidened ? [2, 3, 4, 6] : []).flatMap((width) =>
    ([[3, 4], [4, 3], [16, 17], [48, 20]] as const).flatMap((channels) => convolutions(width, channels))
  ),
];

/** Values of operands: small integers, so that float32 sums are exact in any order, and a share of special values. */
const KINDS: Readonly<Record<string, { special: readonly number[]; share: number; operand: 0 | 1 | 2 }>> = {
  finite: { special: [], share: 0, operand: 2 },
  "infinities in a": { special: [Infinity, -Infinity], share: 0.1, operand: 0 },
  "infinities in b": { special: [Infinity, -Infinity], share: 0.1, operand: 1 },
  "only infinities in a": { special: [-Infinity], share: 1, operand: 0 },
  "only infinities in b": { special: [Infinity], share: 1, operand: 1 },
  "NaN in both": { special: [NaN], share: 0.03, operand: 2 },
};

Deno.test("bfloat16 products are exact but for one rounding, with odd and even sums, infinite values and NaN, eager and in graphs", () => {
  const random = createRandom(5, "odd sums");
  const problems: string[] = [];
  for (const { name, shapes, size, run, terms } of CASES) {
    using graph = compile((a: tf.Tensor, b: tf.Tensor) => run(a, b));
    for (const [kind, { special, share, operand }] of Object.entries(KINDS)) {
      const [a, b] = shapes.map((shape, place) =>
        Float32Array.from({ length: elements(shape) }, () => {
          const isSpecial = (operand === 2 || operand === place) && random.uniform() < share;
          if (isSpecial) return special[random.integer(special.length)]!;
          return 1 + random.integer(200); // without 0, whose product with Infinity is NaN
        })
      ) as [Float32Array, Float32Array];
      const exact = new Float32Array(size);
      for (const [result, i, j] of terms) exact[result]! += a[i]! * b[j]!;
      const want = roundArray(exact, parseFormat("bfloat16"));
      for (const [mode, fn] of Object.entries({ eager: run, graph })) {
        tf.tidy(() => {
          const [x, y] = [a, b].map((values, i) => toBfloat16(tf.tensor(values, [...shapes[i]!])));
          const result = fn(x!, y!), got = toFloat32(result).dataSync();
          const at = want.findIndex((value, i) => !Object.is(value, got[i]));
          if (trueDtype(result) !== "bfloat16") problems.push(`${name}, ${mode}: ${trueDtype(result)}`);
          if (at >= 0) problems.push(`${name}, ${kind}, ${mode}: ${got[at]} for ${want[at]} at ${at}`);
        });
      }
    }
  }
  assertEquals(problems, []);
});

Deno.test("gradients of bfloat16 products with odd sums are infinite where the exact ones are", () => {
  const infinite = (shape: number[]) => toBfloat16(tf.fill(shape, Infinity));
  const ones = (shape: number[]) => toBfloat16(tf.ones(shape));
  const [x, w, dy] = [ones([4, 6]), ones([6, 5]), infinite([4, 5])];
  const { da, db } = tf.tidy(() => {
    const [da, db] = tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b))([x, w], dy);
    return { da: da!, db: db! };
  });
  const gradients = [da, db];
  if (isWidened) {
    const image = ones([1, 2, 4, 3]), filter = ones([2, 2, 3, 5]), dyImage = infinite([1, 1, 3, 5]);
    const convolve = (x: tf.Tensor, f: tf.Tensor) =>
      tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "valid");
    const [dx, df] = tf.grads(convolve)([image, filter], dyImage);
    gradients.push(dx!, df!);
  }
  for (const gradient of gradients) {
    assertEquals(trueDtype(gradient), "bfloat16");
    assertEquals([...new Set(gradient.dataSync())], [Infinity]);
  }
});
