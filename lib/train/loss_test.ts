import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import { autocast, compile, type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { blockedGradients } from "../../tests/support/blocked_gradients.ts";
import { currentTensorFlow } from "../tensorflow/binding/backend.ts";
import { blockedCrossEntropy, type Regularization } from "../tensorflow/ops/blocked_cross_entropy.ts";
import { IGNORE_INDEX, meanLoss, tokenLosses, trainingLoss } from "./loss.ts";
import { plainCrossEntropy } from "../tensorflow/ops/cross_entropy_loss.ts";
import { lossAndGradients } from "./gradients.ts";

const tensorflow = await useTensorFlow();

/** Returns the inputs of a head: hidden states [N, C], a table [V, C], targets and weights [N]. */
function head({ N, V, C, scale = 1 }: { N: number; V: number; C: number; scale?: number }) {
  const random = createRandom(7, "head");
  const normal = (count: number, std: number) => random.fillNormal(new Float32Array(count), { std });
  const hidden = normal(N * C, 1), table = normal(V * C, scale / Math.sqrt(C));
  const targets = Int32Array.from({ length: N }, () => random.integer(V));
  const weights = Float32Array.from({ length: N }, (_, i) => i % 5 === 0 ? 0 : 1 / N);
  return { N, V, C, hidden, table, targets, weights };
}
type Head = ReturnType<typeof head>;

const NONE: Regularization = { labelSmoothing: 0, zLoss: 0 };
const BOTH: Regularization = { labelSmoothing: 0.1, zLoss: 1e-2 };

/** Computes the weighted sum of the objective and its gradients in float64, directly from the definitions. */
function exact(head: Head, { labelSmoothing, zLoss }: Regularization) {
  const { N, V, C, hidden, table, targets, weights } = head;
  let objective = 0, nll = 0;
  const dHidden = new Float64Array(N * C), dTable = new Float64Array(V * C);
  for (let i = 0; i < N; i++) {
    const z = Float64Array.from({ length: V }, (_, v) => {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += hidden[i * C + c]! * table[v * C + c]!;
      return sum;
    });
    const top = Math.max(...z);
    const logZ = top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0));
    const own = logZ - z[targets[i]!]!;
    const spread = logZ - z.reduce((sum, value) => sum + value, 0) / V;
    nll += weights[i]! * own;
    objective += weights[i]! * ((1 - labelSmoothing) * own + labelSmoothing * spread + zLoss * logZ ** 2);
    for (let v = 0; v < V; v++) {
      const p = Math.exp(z[v]! - logZ), hit = v === targets[i] ? 1 : 0;
      const slope = weights[i]! *
        ((1 - labelSmoothing) * (p - hit) + labelSmoothing * (p - 1 / V) + 2 * zLoss * logZ * p);
      for (let c = 0; c < C; c++) {
        dHidden[i * C + c]! += slope * table[v * C + c]!;
        dTable[v * C + c]! += slope * hidden[i * C + c]!;
      }
    }
  }
  return { objective, nll, dHidden, dTable };
}

/** Computes the same on the device, in the plain form or in blocks. */
function measured(
  head: Head,
  how: {
    regularization: Regularization;
    block?: number;
    policy?: PolicyName;
    compiled?: boolean;
  },
) {
  const { N, V, C, regularization } = { ...head, ...how };
  const values = (tensor: tf.Tensor) => Float64Array.from(tensor.dataSync());
  const run = () => {
    const targets = tf.tensor1d(head.targets, "int32"), weights = tf.tensor1d(head.weights);
    const fn = (hidden: tf.Tensor2D, table: tf.Tensor2D) =>
      autocast(how.policy ?? "float32", () => {
        const rows = { targets, weights, regularization, block: how.block };
        let beside: tf.Tensor | undefined;
        const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
          const [x, w] = args as [tf.Tensor2D, tf.Tensor2D];
          const sums = how.block === undefined
            ? plainCrossEntropy([tf.matMul(x, w, false, true)], rows)
            : blockedCrossEntropy(x, w, rows);
          if (sums.nll !== sums.objective) beside = sums.nll;
          return sums.objective;
        })([hidden, table]);
        const result = {
          objective: value,
          nll: tf.clone(beside ?? value),
          dHidden: grads[0]!,
          dTable: grads[1]!,
        };
        beside?.dispose();
        return result;
      });
    using traced = compile(fn);
    const result = (how.compiled ? traced : fn)(
      tf.tensor2d(head.hidden, [N, C]),
      tf.tensor2d(head.table, [V, C]),
    );
    return {
      objective: values(result.objective)[0]!,
      nll: values(result.nll)[0]!,
      dHidden: values(result.dHidden),
      dTable: values(result.dTable),
    };
  };
  tf.engine().startScope();
  try {
    return run();
  } finally {
    tf.engine().endScope();
  }
}

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const error = (a: Float64Array, b: Float64Array) => largest(a.map((value, i) => value - b[i]!));

for (const [name, regularization] of [["plain", NONE], ["smoothed, with z-loss", BOTH]] as const) {
  Deno.test(`blockedCrossEntropy() is as close to the exact loss and gradients as the plain form (${name})`, () => {
    const given = head({ N: 48, V: 301, C: 24, scale: 2 });
    const want = exact(given, regularization);
    const naive = measured(given, { regularization });
    for (const compiled of [false, true]) {
      for (const block of [1, 7, 150, 301]) { // 301, 43, 3 and 1 blocks
        const blocked = measured(given, { regularization, block, compiled });
        for (const field of ["objective", "nll"] as const) {
          assertLessOrEqual(
            Math.abs(blocked[field] - want[field]),
            Math.abs(naive[field] - want[field]) + 1e-5,
          );
        }
        for (const field of ["dHidden", "dTable"] as const) {
          assertLessOrEqual(error(blocked[field], want[field]), error(naive[field], want[field]) + 1e-5);
          assertLess(error(blocked[field], want[field]), 1e-5 * largest(want[field]), field);
        }
      }
    }
  });
}

Deno.test("label smoothing with a common offset of -1e4 in the logits equals float64, plain and in blocks", () => {
  const [N, V, C] = [16, 37, 4];
  const random = createRandom(5, "offset");
  // Products of eighths and 64ths, and the offset, are exact in float32: every error is the loss's own.
  const column = (i: number, other: (i: number) => number, first: number) => i % C === 0 ? first : other(i);
  const given: Head = {
    ...{ N, V, C },
    hidden: Float32Array.from({ length: N * C }, (_, i) => column(i, () => random.integer(17) / 8 - 1, 1)),
    table: Float32Array.from(
      { length: V * C },
      (_, i) => column(i, () => random.integer(257) / 64 - 2, -1e4),
    ),
    targets: Int32Array.from({ length: N }, () => random.integer(V)),
    weights: new Float32Array(N).fill(1 / N),
  };
  const regularization = { labelSmoothing: 0.1, zLoss: 0 };
  const want = exact(given, regularization);
  for (const compiled of [false, true]) {
    for (const block of [undefined, 5, V]) {
      const got = measured(given, { regularization, compiled, ...(block && { block }) });
      const about = `${block} ${compiled}`;
      assertLess(Math.abs(got.objective - want.objective), 1e-6, about);
      assertLess(Math.abs(got.nll - want.nll), 1e-6, about);
      // Gradients of logits, summed with exact factors.
      assertLess(error(got.dTable, want.dTable), 1e-7, about);
    }
  }
});

Deno.test("blockedCrossEntropy() in bfloat16 is as close as the plain form, and rounds its table's gradient once", () => {
  const given = head({ N: 256, V: 301, C: 24 });
  const want = exact(given, NONE);
  const how = { regularization: NONE, policy: "bf16-autocast" } as const;
  const naive = measured(given, how), blocked = measured(given, { ...how, block: 40 });
  assertLessOrEqual(Math.abs(blocked.nll - want.nll), Math.abs(naive.nll - want.nll) + 1e-2);
  // The gradient of each row of the table comes from one product, rounded once, to a relative error of 2^-9.
  assertLessOrEqual(
    error(blocked.dTable, want.dTable),
    error(naive.dTable, want.dTable) + 2 ** -9 * largest(want.dTable),
  );
});

Deno.test("blockedCrossEntropy() handles rows whose logits differ widely between blocks", () => {
  const given = head({ N: 9, V: 40, C: 2 });
  // Logits of row i are 100 (v - i)²: from 0 to 160,000, with their maximum in the first or the last block.
  given.hidden.forEach((_, at) => given.hidden[at] = at % 2 === 0 ? -200 * Math.floor(at / 2) * 5 : 1);
  given.table.forEach((_, at) =>
    given.table[at] = at % 2 === 0 ? Math.floor(at / 2) : 100 * Math.floor(at / 2) ** 2
  );
  const want = exact(given, BOTH);
  for (const block of [1, 13, 40]) {
    const blocked = measured(given, { regularization: BOTH, block, compiled: true });
    assertAlmostEquals(blocked.nll / want.nll, 1, 1e-5);
    assertAlmostEquals(blocked.objective / want.objective, 1, 1e-5);
    assertLess(error(blocked.dTable, want.dTable), 1e-5 * largest(want.dTable));
  }
});

Deno.test("blockedCrossEntropy() handles rows that begin with a block of logits of -Infinity", () => {
  const given: Head = {
    ...{ N: 1, V: 4, C: 1, hidden: Float32Array.of(1), table: Float32Array.of(-Infinity, -Infinity, 1, 2) },
    ...{ targets: Int32Array.of(3), weights: Float32Array.of(1) },
  };
  for (const compiled of [false, true]) {
    const { nll, dTable } = measured(given, { regularization: NONE, block: 2, compiled });
    const p = 1 / (1 + Math.exp(-1));
    assertAlmostEquals(nll, -Math.log(p), 1e-6);
    [0, 0, 1 - p, p - 1].forEach((want, v) => assertAlmostEquals(dTable[v]!, want, 1e-6));
  }
});

Deno.test("blockedCrossEntropy() is NaN for a NaN logit in either half of a block, and finds a maximum in each", () => {
  const given = head({ N: 64, V: 6002, C: 2 }); // two blocks of 3,001 columns, fused
  for (const at of [0, 1499, 1500, 1501, 3000, 6001]) {
    const table = given.table.slice();
    table[2 * at] = NaN;
    const poisoned = measured({ ...given, table }, { regularization: NONE, block: 3001, compiled: true });
    assertEquals(poisoned.nll, NaN, `token ${at}`);
    // A logit of 200 makes the exponentials of all others 0, but only if it is subtracted from them.
    const hidden = given.hidden.map((_, i) => i % 2 === 0 ? 200 : 0);
    const peak = Float32Array.from(given.table, (_, i) => i === 2 * at ? 1 : 0);
    const targets = given.targets.map(() => at);
    const one = measured({ ...given, hidden, table: peak, targets }, {
      regularization: NONE,
      block: 3001,
      compiled: true,
    });
    assertEquals(one.nll, 0, `token ${at}`);
  }
});

Deno.test("blockedCrossEntropy() never stores the logits of all rows when a graph runs on one processor", async () => {
  const sizes = { N: 1024, V: 131072, C: 8 }, all = 4 * sizes.N * sizes.V / 2 ** 20; // MiB
  const { success, stdout, stderr } = await new Deno.Command("taskset", {
    args: [
      ...["-c", "0", Deno.execPath(), "run", "-A", "--no-check", "--quiet"],
      fileURLToPath(import.meta.resolve("../../tests/support/blocked_loss_memory.ts")),
      JSON.stringify(sizes),
    ],
    cwd: fileURLToPath(import.meta.resolve("../..")),
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  // Blocks of 1,024 tokens: 4 MiB each of logits, gradients and intermediate results.
  assertLess(JSON.parse(new TextDecoder().decode(stdout)).grown, all / 2);
});

Deno.test("blockedCrossEntropy() gives the same result compiled in large blocks as op by op", () => {
  const given = head({ N: 64, V: 2 * 8192, C: 8 });
  for (const regularization of [NONE, BOTH]) {
    const fused = measured(given, { regularization, block: 8192, compiled: true });
    const ops = measured(given, { regularization, block: 8192 });
    assertAlmostEquals(fused.objective, ops.objective, 1e-5);
    assertAlmostEquals(fused.nll, ops.nll, 1e-5);
    for (const field of ["dHidden", "dTable"] as const) {
      assertLess(error(fused[field], ops[field]), 1e-5 * largest(ops[field]), field);
      assert(ops[field].some((value) => value !== 0));
    }
  }
});

Deno.test("blockedCrossEntropy() computes a kept block's logits once, with the same bits", () => {
  const { binding } = currentTensorFlow();
  const [N, V, C, block] = [8, 64, 4, 16];
  const hidden = tf.randomNormal([N, C], 0, 1, "float32", 1),
    table = tf.randomNormal([V, C], 0, 1, "float32", 2);
  const given = { targets: tf.range(0, N, 1, "int32"), weights: tf.fill([N], 1 / N) as tf.Tensor1D };
  for (const policy of ["float32", "bf16-autocast"] as const) {
    for (const extra of [{ regularization: NONE }, { regularization: BOTH, logitSoftCap: 3 }]) {
      const gradients = (keptBytes: number | undefined) => (hidden: tf.Tensor, table: tf.Tensor) =>
        autocast(policy, () => blockedGradients(hidden, table, { ...given, ...extra, block, keptBytes }));
      const values = (tensors: tf.Tensor[]) => tensors.map((tensor) => tensor.dataSync());
      let products = 0;
      binding.opWatcher = { take: ({ name }) => products += name.includes("MatMul") ? 1 : 0 };
      const counts: number[] = [];
      const count = (keptBytes: number | undefined) => {
        products = 0;
        const got = tf.tidy(() => values(gradients(keptBytes)(hidden, table)));
        counts.push(products);
        return got;
      };
      try {
        const want = count(0);
        for (const keptBytes of [4 * N * block * 2, undefined]) {
          assertEquals(count(keptBytes), want);
          using compiled = compile(gradients(keptBytes));
          using recomputed = compile(gradients(0));
          assertEquals(
            values(compiled(hidden, table) as tf.Tensor[]),
            values(recomputed(hidden, table) as tf.Tensor[]),
          );
        }
      } finally {
        binding.opWatcher = undefined;
      }
      assertEquals([counts[0], counts.at(-1)], [4 * 4, 3 * 4], `${policy}: products of four blocks`);
    }
  }
});

Deno.test("blockedCrossEntropy() disposes of all tensors, and never stores the logits of all rows", () => {
  const given = head({ N: 64, V: 4096, C: 8 });
  const before = tensorflow.liveHandles;
  measured(given, { regularization: NONE, block: 40 });
  assertEquals(tensorflow.liveHandles, before);
});

const model: GptConfig = { nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: 23, blockSize: 8 };

/** Returns a batch in which most targets of the later rows are ignored. */
function batch(ignore = true): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const random = createRandom(9, "batch");
  const ids = () => Int32Array.from({ length: 4 * 8 }, () => random.integer(23));
  const y = ids();
  if (ignore) { for (let i = 16; i < 32; i++) if (i % 8 > i / 16) y[i] = IGNORE_INDEX; }
  return { x: tf.tensor2d(ids(), [4, 8], "int32"), y: tf.tensor2d(y, [4, 8], "int32") };
}

Deno.test("tokenLosses() of ignored targets are 0, and meanLoss() is the mean of the others", () => {
  const parameters = toParameters(initialParameters(model, 1));
  const { x, y } = batch();
  const all = tokenLosses(parameters, batch(false), model).dataSync();
  const options = { ignoreIndex: IGNORE_INDEX };
  const some = tokenLosses(parameters, { x, y }, model, options).dataSync();
  const targets = y.dataSync();
  const counted = [...targets.keys()].filter((i) => targets[i] !== IGNORE_INDEX);
  assert(counted.length > 16 && counted.length < 32);
  for (const [i, loss] of some.entries()) assertEquals(loss, targets[i] === IGNORE_INDEX ? 0 : all[i]);
  const mean = counted.reduce((sum, i) => sum + all[i]!, 0) / counted.length;
  assertAlmostEquals(meanLoss(parameters, { x, y }, model, options).dataSync()[0]!, mean, 1e-6);
});

Deno.test("losses in blocks equal those of the plain form, with the same gradient of every parameter", () => {
  const parameters = toParameters(initialParameters(model, 1));
  const given = batch();
  for (const loss of [{}, { labelSmoothing: 0.1, zLoss: 1e-3, ignoreIndex: IGNORE_INDEX }]) {
    const data = "ignoreIndex" in loss ? given : batch(false);
    const of = (blocked: boolean) =>
      lossAndGradients(parameters, data, { model, policy: "float32", loss: { ...loss, blocked } });
    const plain = of(false), blocked = of(true);
    assertAlmostEquals(blocked.loss.dataSync()[0]!, plain.loss.dataSync()[0]!, 1e-6);
    for (const [name, gradient] of Object.entries(plain.gradients)) {
      const want = Float64Array.from(gradient.dataSync()),
        got = Float64Array.from(blocked.gradients[name]!.dataSync());
      assertLessOrEqual(error(got, want), 1e-5 * largest(want) + 1e-8, name);
    }
    const ignoreIndex = "ignoreIndex" in loss ? IGNORE_INDEX : undefined;
    const tokens = (blocked: boolean) =>
      tokenLosses(parameters, data, model, { ignoreIndex, blocked }).dataSync();
    tokens(true).forEach((value, i) => assertAlmostEquals(value, tokens(false)[i]!, 1e-5));
  }
});

Deno.test("trainingLoss() computes in blocks above 2^24 logits", () => {
  const wide: GptConfig = { nLayer: 1, nHead: 1, nEmbd: 2, vocabSize: 2 ** 19, blockSize: 33 };
  const parameters = toParameters(initialParameters(wide, 1));
  const peak = (T: number) => {
    const tokens = tf.zeros<tf.Rank.R2>([1, T], "int32");
    let most = 0;
    tf.tidy(() => {
      trainingLoss(parameters, { x: tokens, y: tokens }, wide).nll.dispose();
      most = tf.memory().numBytes;
    });
    return most;
  };
  // The plain form holds logits, 4 bytes each, until the scope ends; blocks are freed.
  assert(peak(32) > 4 * 32 * 2 ** 19);
  assert(peak(33) < 4 * 32 * 2 ** 19);
});

interface LossCase extends Regularization {
  logits: number[];
  targets: number[];
  objective: number;
  nll: number;
  gradient: number[];
}
const cases: LossCase[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../tests/fixtures/training/training.json", import.meta.url)),
).losses;

Deno.test("plainCrossEntropy() and blockedCrossEntropy() equal PyTorch's cross_entropy with smoothing, ignored targets and z-loss", () => {
  for (const { labelSmoothing, zLoss, logits, targets, objective, nll, gradient } of cases) {
    const counted = targets.map((target) => target === IGNORE_INDEX ? 0 : 1);
    const total = counted.reduce<number>((sum, one) => sum + one, 0);
    const given: Head = {
      ...{ N: 6, V: 9, C: 6 },
      // Logits equal the columns of the table, row by row: the head's product with the identity matrix.
      hidden: Float32Array.from({ length: 36 }, (_, i) => i % 7 === 0 ? 1 : 0),
      table: Float32Array.from({ length: 54 }, (_, i) => logits[(i % 6) * 9 + Math.floor(i / 6)]!),
      targets: Int32Array.from(targets, (target) => Math.max(0, target)),
      weights: Float32Array.from(counted, (one) => one / total),
    };
    for (const block of [undefined, 4]) {
      const got = measured(given, {
        regularization: { labelSmoothing, zLoss },
        ...(block !== undefined && { block }),
      });
      assertAlmostEquals(got.objective, objective, 2e-6);
      assertAlmostEquals(got.nll, nll, 2e-6);
      // The table's gradient is the transpose of the logits' gradient.
      got.dTable.forEach((value, i) => {
        assertAlmostEquals(value, gradient[(i % 6) * 9 + Math.floor(i / 6)]!, 1e-6);
      });
    }
  }
});

Deno.test("blockedCrossEntropy() applies the soft cap as the plain form does", () => {
  const capped = { ...model, logitSoftCap: 0.05 };
  const parameters = toParameters(initialParameters(capped, 1));
  const of = (blocked: boolean) =>
    lossAndGradients(parameters, batch(false), { model: capped, policy: "float32", loss: { blocked } });
  const plain = of(false), blocked = of(true);
  assertAlmostEquals(blocked.loss.dataSync()[0]!, plain.loss.dataSync()[0]!, 1e-6);
  for (const [name, gradient] of Object.entries(plain.gradients)) {
    const want = Float64Array.from(gradient.dataSync());
    const got = Float64Array.from(blocked.gradients[name]!.dataSync());
    assertLessOrEqual(error(got, want), 1e-5 * largest(want) + 1e-8, name);
  }
});
