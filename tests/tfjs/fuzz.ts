/**
 * Random calls of TF.js's ops with nearly valid arguments, in this process. Each call must return or throw.
 * `tfjs_fuzz_test.ts` starts it. For a longer run, use `deno run -A tests/tfjs/fuzz.ts SEED CALLS LOG`.
 *
 * The file LOG holds the current call, to identify a call that ends the process.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { createRandom } from "../../lib/text/random.ts";

/** Draws one argument. */
type Draw = (random: Random) => unknown;

/** A stream of random numbers, and values drawn from it. */
class Random {
  readonly #stream: ReturnType<typeof createRandom>;
  /** Results of earlier calls, used as arguments of later ones. */
  readonly #seen: tf.Tensor[] = [];

  constructor(seed: number) {
    this.#stream = createRandom(seed, "fuzz");
  }

  below(bound: number): number {
    return this.#stream.integer(bound);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  list<T>(length: number, draw: () => T): T[] {
    return Array.from({ length }, draw);
  }

  keep(tensor: tf.Tensor): void {
    this.#seen.push(tensor);
    if (this.#seen.length > 40) this.#seen.shift()!.dispose();
  }

  tensor(rank = this.below(6), dtype: tf.DataType = this.pick(DTYPES)): tf.Tensor {
    const fits = this.#seen.filter((tensor) => tensor.rank === rank && tensor.dtype === dtype);
    if (fits.length > 0 && this.below(4) === 0) return this.pick(fits);
    const shape = this.list(rank, () => this.pick(SIZES));
    const size = shape.reduce((product, n) => product * n, 1);
    const numbers = (from: readonly number[]) => this.list(size, () => this.pick(from));
    const made = dtype === "complex64"
      ? tf.complex(tf.tensor(numbers(FLOATS), shape), tf.tensor(numbers(FLOATS), shape))
      : dtype === "string"
      ? tf.tensor(this.list(size, () => this.pick(STRINGS)), shape, dtype)
      : dtype === "bool"
      ? tf.tensor(numbers([0, 1]), shape, dtype)
      : tf.tensor(numbers(dtype === "int32" ? INTS : FLOATS), shape, dtype);
    this.keep(made);
    return made;
  }
}

const DTYPES = ["float32", "float32", "float32", "int32", "int32", "bool", "complex64", "string"] as const;
const SIZES = [0, 1, 1, 2, 2, 3, 4, 5];
const INTS = [0, 0, 1, 1, 2, 3, 4, -1, -5, 100, 2147483647, -2147483648];
const FLOATS = [0, 1, -1, 0.5, 2, 3, NaN, Infinity, -Infinity, 1e30, -3.7, 1e-40];
const STRINGS = ["", "a", "αβ", "x y z", "\u0000"];
const NUMBERS = [0, 1, 2, 3, -1, -2, 0.5, NaN, Infinity, 7, 1000, 2 ** 31, -(2 ** 31)];

/** Draws a tensor of a rank and type, or occasionally of others. */
function like(rank: number, dtype: tf.DataType = "float32"): Draw {
  return (random) => random.below(12) === 0 ? random.tensor() : random.tensor(rank, dtype);
}
const any: Draw = (random) => random.tensor();
const number: Draw = (random) => random.pick(NUMBERS);
const small: Draw = (random) => random.pick([0, 1, 1, 2, 2, 3, -1, 5]);
const ints = (length?: number): Draw => (random) =>
  random.list(length ?? random.below(5), () => random.pick([0, 0, 1, 1, 2, 3, -1, 4, 1000, 2 ** 31]));
const truth: Draw = (random) => random.below(2) === 1;
const oneOf = (...choices: unknown[]): Draw => (random) => random.pick(choices);
const some = (...draws: Draw[]): Draw => (random) => random.pick(draws)(random);
const tensors = (rank: number): Draw => (random) =>
  random.list(1 + random.below(3), () => like(rank)(random) as tf.Tensor);
const pad = oneOf("same", "valid", 0, 1, 2, 100, -1, "explicit", [[0, 0], [1, 1], [1, 1], [0, 0]]);
const strides: Draw = some(small, ints(2));
const pairs: Draw = (random) => random.list(random.below(5), () => ints(2)(random));
const nothing = oneOf(undefined);

/** Arguments by op that nearly match its signature. Other ops receive arguments of any kind. */
const SIGNATURES: Readonly<Record<string, readonly Draw[]>> = {
  matMul: [some(like(2), like(3)), some(like(2), like(3)), truth, truth],
  conv1d: [like(3), like(3), small, pad, oneOf("NWC", "NCW"), small],
  conv2d: [like(4), like(4), strides, pad, oneOf("NHWC", "NCHW"), strides],
  conv3d: [
    like(5),
    like(5),
    some(small, ints(3)),
    oneOf("same", "valid"),
    oneOf("NDHWC"),
    some(small, ints(3)),
  ],
  conv2dTranspose: [like(4), like(4), ints(4), strides, pad],
  conv3dTranspose: [like(5), like(5), ints(5), some(small, ints(3)), oneOf("same", "valid")],
  depthwiseConv2d: [like(4), like(4), strides, pad, oneOf("NHWC", "NCHW"), strides],
  separableConv2d: [like(4), like(4), like(4), strides, pad, strides],
  dilation2d: [like(4), like(3), strides, oneOf("same", "valid"), strides, oneOf("NHWC")],
  maxPool: [like(4), strides, strides, pad],
  avgPool: [like(4), strides, strides, pad],
  maxPool3d: [like(5), some(small, ints(3)), some(small, ints(3)), oneOf("same", "valid", 0, 1)],
  avgPool3d: [like(5), some(small, ints(3)), some(small, ints(3)), oneOf("same", "valid", 0, 1)],
  maxPoolWithArgmax: [like(4), strides, strides, oneOf("same", "valid"), truth],
  pool: [like(4), ints(2), oneOf("max", "avg"), pad, ints(2), ints(2)],
  gather: [any, some(like(1, "int32"), like(2, "int32")), small, small],
  gatherND: [any, like(2, "int32")],
  scatterND: [like(2, "int32"), any, ints()],
  tensorScatterUpdate: [any, like(2, "int32"), any],
  slice: [any, ints(), ints()],
  stridedSlice: [any, ints(), ints(), ints(), small, small, small, small, small],
  pad: [any, pairs, number],
  mirrorPad: [any, pairs, oneOf("reflect", "symmetric")],
  reshape: [any, ints()],
  transpose: [any, ints()],
  tile: [any, ints()],
  reverse: [any, ints()],
  split: [any, some(small, ints()), small],
  concat: [tensors(2), small],
  stack: [tensors(2), small],
  unstack: [any, small],
  batchToSpaceND: [like(4), ints(2), pairs],
  spaceToBatchND: [like(4), ints(2), pairs],
  depthToSpace: [like(4), small, oneOf("NHWC", "NCHW")],
  oneHot: [like(1, "int32"), number, number, number],
  bincount: [like(1, "int32"), like(1), small],
  denseBincount: [some(like(1, "int32"), like(2, "int32")), some(like(1), like(2)), small, truth],
  unsortedSegmentSum: [like(2), like(1, "int32"), number],
  topk: [any, number, truth],
  cumsum: [any, small, truth, truth],
  cumprod: [any, small, truth, truth],
  sum: [any, some(small, ints()), truth],
  prod: [any, some(small, ints()), truth],
  argMax: [any, small],
  mean: [any, some(small, ints()), truth],
  where: [any, any, any],
  searchSorted: [like(2), like(2), oneOf("left", "right")],
  unique: [any, small],
  einsum: [oneOf("ij,jk->ik", "ii->i", "ij->ji", "...i,i->...", "ij,kl->", "", "i,j"), any, any],
  fft: [like(2, "complex64")],
  rfft: [like(2), number],
  irfft: [like(2, "complex64")],
  resizeBilinear: [like(4), ints(2), truth, truth],
  resizeNearestNeighbor: [like(4), ints(2), truth, truth],
  cropAndResize: [like(4), like(2), like(1, "int32"), ints(2), oneOf("bilinear", "nearest"), number],
  nonMaxSuppression: [like(2), like(1), number, number, number],
  nonMaxSuppressionWithScore: [like(2), like(1), number, number, number, number],
  nonMaxSuppressionPadded: [like(2), like(1), number, number, number, truth],
  rotateWithOffset: [like(4), number, number, number],
  transform: [
    like(4),
    like(2),
    oneOf("nearest", "bilinear"),
    oneOf("constant", "reflect", "wrap"),
    number,
    ints(2),
  ],
  bandPart: [any, number, number],
  qr: [some(like(2), like(3)), truth],
  gramSchmidt: [like(2)],
  localResponseNormalization: [like(4), number, number, number, number],
  batchNorm: [like(4), like(1), like(1), like(1), like(1), number],
  sparseFillEmptyRows: [like(2, "int32"), like(1), like(1, "int32"), like(0)],
  sparseReshape: [like(2, "int32"), like(1, "int32"), like(1, "int32")],
  sparseSegmentMean: [like(2), like(1, "int32"), like(1, "int32")],
  sparseSegmentSum: [like(2), like(1, "int32"), like(1, "int32")],
  sparseToDense: [some(like(1, "int32"), like(2, "int32")), some(like(0), like(1)), ints(), like(0)],
  stringNGrams: [
    like(1, "string"),
    like(1, "int32"),
    oneOf(" "),
    ints(2),
    oneOf("L"),
    oneOf("R"),
    small,
    truth,
  ],
  stringSplit: [like(1, "string"), like(0, "string"), truth],
  stringToHashBucketFast: [any, number],
  multinomial: [some(like(1), like(2)), number, number, truth],
  raggedGather: [tensors(1), any, like(1, "int32"), small],
  raggedRange: [like(1), like(1), like(1)],
  raggedTensorToTensor: [
    like(1, "int32"),
    like(1),
    like(0),
    tensors(1),
    oneOf(["ROW_SPLITS"], ["FIRST_DIM_SIZE", "VALUE_ROWIDS"]),
  ],
  softmax: [any, small],
  logSumExp: [any, some(small, ints()), truth],
  broadcastTo: [any, ints()],
  fill: [ints(), number, oneOf("float32", "int32", "bool")],
  cast: [any, oneOf("float32", "int32", "bool", "complex64", "string")],
  leakyRelu: [any, number],
  eye: [small, small, ints(), oneOf("float32", "int32")],
  confusionMatrix: [like(1, "int32"), like(1, "int32"), small],
  softmaxCrossEntropy: [any, any, nothing, small],
};

/** Skipped functions: those that are not ops, print, never return for NaN, or draw in JavaScript. */
const PASSED_OVER = /^(print|frame|stft|h\w+Window|range|linspace|rand\w*|truncatedNormal|buffer|dropout)$/;

/** Returns all ops in TF.js's namespaces. */
function findOps(): [string, (...args: unknown[]) => unknown][] {
  const spaces = [tf, tf.image, tf.linalg, tf.losses, tf.signal, tf.spectral, tf.sparse, tf.string];
  const ops = new Map<string, (...args: unknown[]) => unknown>();
  for (const space of spaces) {
    for (const [name, op] of Object.entries(space) as [string, unknown][]) {
      if (typeof op !== "function" || PASSED_OVER.test(name)) continue;
      // TF.js's ops have this suffix.
      if (op.name.endsWith("__op") || name in SIGNATURES) {
        ops.set(name, op as (...args: unknown[]) => unknown);
      }
    }
  }
  return [...ops].sort(([a], [b]) => a < b ? -1 : 1);
}

/** Formats an argument as JavaScript source. */
function show(value: unknown): string {
  if (value instanceof tf.Tensor) return `${value.dtype}[${value.shape}]`;
  return Array.isArray(value) ? `[${value.map(show).join(", ")}]` : JSON.stringify(value) ?? String(value);
}

/** Reads every tensor of a result, because some ops fail only at reading. */
function read(result: unknown, random: Random): void {
  for (const tensor of Array.isArray(result) ? result : [result]) {
    if (!(tensor instanceof tf.Tensor) || tensor.size > 1e6) continue;
    tensor.dataSync();
    if (tensor.size < 1000) random.keep(tensor);
  }
}

if (import.meta.main) {
  const [seed, calls, log] = Deno.args as [string, string, string];
  await useTensorFlow({ threads: 1 });
  const random = new Random(Number(seed));
  const ops = findOps();
  const file = Deno.openSync(log, { write: true, create: true, truncate: true });
  const counts = { ops: ops.length, results: 0, errors: 0 };
  for (let i = 0; i < Number(calls); i++) {
    const [name, op] = random.pick(ops);
    const signature = SIGNATURES[name] ??
      random.list(1 + random.below(3), () => some(any, any, any, number, ints()));
    const args = signature.map((draw) => draw(random));
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(`${name}(${args.map(show).join(", ")})`));
    try {
      read(op(...args), random);
      counts.results++;
      if (args[0] instanceof tf.Tensor && args[0].dtype === "float32" && random.below(3) === 0) {
        const gradient = tf.grad((x: tf.Tensor) => {
          const result = op(x, ...args.slice(1));
          return (Array.isArray(result) ? result[0] : result) as tf.Tensor;
        });
        read(gradient(args[0]), random);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      counts.errors++;
    }
  }
  console.log(JSON.stringify(counts));
  Deno.exit(0);
}
