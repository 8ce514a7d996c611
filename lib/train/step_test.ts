import * as tf from "@tensorflow/tfjs";
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { fromParameters, type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import { foldIn, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { IGNORE_INDEX, meanLoss } from "./loss.ts";
import { initialOptimizerState, type OptimizerConfig } from "./optimizer.ts";
import { createTrainStep, disposeState, type StepConfig, type TrainState } from "./step.ts";

const tensorflow = await useTensorFlow();

const model: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 23, blockSize: 8 };
const sgd: OptimizerConfig = { optimizer: "sgd", momentum: 0, weightDecay: 0, clip: 0 };
const B = 8, T = 8;

/** Returns a batch whose rows have a decreasing number of counted targets: 8, 7, ... 1. */
function batch() {
  const random = createRandom(9, "batch");
  const ids = () => Int32Array.from({ length: B * T }, () => random.integer(23));
  const x = ids(), y = ids();
  for (let b = 0; b < B; b++) y.fill(IGNORE_INDEX, b * T + (T - b), (b + 1) * T);
  return { x: tf.tensor2d(x, [B, T], "int32"), y: tf.tensor2d(y, [B, T], "int32") };
}

/** Returns the losses, norms and weights of some steps on one batch. */
function run(given: Partial<StepConfig>, steps = 2, key?: tf.Tensor) {
  const config: StepConfig = { model, optimizer: sgd, policy: "float32", execution: "graph", ...given };
  const values = initialParameters(config.model, 1);
  const parameters = toParameters(values);
  let state: TrainState = {
    parameters,
    moments: initialOptimizerState(parameters, config.optimizer),
    ...(config.emaDecay && { ema: toParameters(values) }),
  };
  using step = createTrainStep(config);
  const data = { ...batch(), ...(key && { dropoutKey: key }) };
  const losses: number[] = [], norms: number[] = [];
  for (let i = 1; i <= steps; i++) {
    const result = step(state, data, { step: i, lr: 0.5 });
    state = result.state;
    losses.push(result.loss);
    norms.push(result.gradNorm);
  }
  const weights = fromParameters(state.parameters), ema = state.ema && fromParameters(state.ema);
  disposeState(state);
  tf.dispose({ x: data.x, y: data.y });
  return { losses, norms, weights, ema };
}
type Result = ReturnType<typeof run>;

/** Returns the largest difference between weights. */
function gap(a: Result["weights"], b: Result["weights"]): number {
  assertEquals(Object.keys(a), Object.keys(b));
  return Math.max(
    ...Object.entries(a).map(([name, { values }]) =>
      values.reduce((most, value, i) => Math.max(most, Math.abs(value - b[name]!.values[i]!)), 0)
    ),
  );
}

for (
  const loss of [{ ignoreIndex: IGNORE_INDEX }, {
    ignoreIndex: IGNORE_INDEX,
    labelSmoothing: 0.1,
    blocked: true,
  }]
) {
  Deno.test(`createTrainStep(): k micro-batches equal one large batch, ${JSON.stringify(loss)}`, () => {
    for (const execution of ["graph", "eager"] as const) {
      const one = run({ loss, execution });
      for (const accumulate of [2, 4, 8]) {
        const parts = run({ loss, execution, accumulate });
        one.losses.forEach((value, i) => assertAlmostEquals(parts.losses[i]!, value, 2e-6));
        one.norms.forEach((value, i) => assertAlmostEquals(parts.norms[i]!, value, 1e-5 * value));
        assertLess(gap(parts.weights, one.weights), 1e-6);
      }
    }
  });
}

Deno.test("createTrainStep(): the tests detect averaging of micro-batch means, a known mistake", () => {
  const ignoreIndex = IGNORE_INDEX;
  const right = run({ loss: { ignoreIndex }, accumulate: 4 }, 1).losses[0]!;
  const parameters = toParameters(initialParameters(model, 1));
  const { x, y } = batch();
  const means = [0, 2, 4, 6].map((first) => {
    const rows = { x: tf.slice(x, [first, 0], [2, T]), y: tf.slice(y, [first, 0], [2, T]) };
    return meanLoss(parameters, rows, model, { ignoreIndex }).dataSync()[0]!;
  });
  const wrong = means.reduce((sum, mean) => sum + mean, 0) / means.length;
  assertGreater(Math.abs(wrong - right), 1e-4); // 50 times the tolerance of the previous test
});

Deno.test("createTrainStep() updates the moving average of the weights", () => {
  const [one, two] = [
    run({ loss: { ignoreIndex: IGNORE_INDEX } }, 1),
    run({ loss: { ignoreIndex: IGNORE_INDEX } }, 2),
  ];
  const { weights, ema } = run({ loss: { ignoreIndex: IGNORE_INDEX }, emaDecay: 0.75 }, 2);
  assertEquals(weights, two.weights);
  const start = initialParameters(model, 1);
  for (const [name, { values }] of Object.entries(ema!)) {
    values.forEach((value, i) => {
      const [p0, p1, p2] = [start, one.weights, two.weights].map((record) => record[name]!.values[i]!);
      assertAlmostEquals(value, 0.75 * (0.75 * p0! + 0.25 * p1!) + 0.25 * p2!, 1e-6);
    });
  }
});

Deno.test("createTrainStep(): dropout is determined by its key, and differs between micro-batches", () => {
  const dropping = { model: { ...model, dropout: 0.2 }, loss: { ignoreIndex: IGNORE_INDEX } };
  const key = (n: number) => tf.tensor1d([n, 5], "int32");
  for (const accumulate of [1, 4]) {
    const first = run({ ...dropping, accumulate }, 2, key(1));
    assertEquals(run({ ...dropping, accumulate }, 2, key(1)), first);
    assertNotEquals(run({ ...dropping, accumulate }, 2, key(2)).losses, first.losses);
    assertNotEquals(run({ ...dropping, accumulate }, 2).losses, first.losses);
  }
  // The same rows twice: with one key for both micro-batches, the gradient would be that of the rows alone.
  const norm = (accumulate: number, dropoutKey: tf.Tensor) => {
    using step = createTrainStep({
      ...dropping,
      accumulate,
      optimizer: sgd,
      policy: "float32",
      execution: "graph",
    });
    const data = batch();
    const twice = { x: tf.concat([data.x, data.x]), y: tf.concat([data.y, data.y]) };
    const parameters = toParameters(initialParameters(model, 1));
    const result = step({ parameters, moments: {} }, { ...twice, dropoutKey }, { step: 1, lr: 0 });
    disposeState(result.state);
    return result.gradNorm;
  };
  const folded = [0, 1].map((i) => run(dropping, 1, foldIn(key(1), i)).norms[0]!);
  for (const one of folded) assertGreater(Math.abs(norm(2, key(1)) - one), 1e-4);
});

Deno.test("createTrainStep() reports the loss without smoothing and z-loss, and leaves no tensor", () => {
  const before = [tf.memory().numTensors, tensorflow.liveHandles];
  const ignoreIndex = IGNORE_INDEX;
  for (const execution of ["graph", "eager"] as const) {
    for (const accumulate of [1, 2]) {
      for (const blocked of [false, true]) {
        const plain = run({ execution, accumulate, loss: { ignoreIndex, blocked } }, 1);
        const more = run({
          execution,
          accumulate,
          loss: { ignoreIndex, blocked, labelSmoothing: 0.3, zLoss: 0.1 },
        }, 1);
        assertAlmostEquals(more.losses[0]!, plain.losses[0]!, 1e-6);
        assertGreater(Math.abs(more.norms[0]! - plain.norms[0]!), 1e-3);
      }
    }
  }
  assertEquals([tf.memory().numTensors, tensorflow.liveHandles], before);
});

Deno.test("createTrainStep() refuses micro-batches that do not divide B", () => {
  const refused = () => run({ accumulate: 3, loss: { ignoreIndex: IGNORE_INDEX } });
  assertThrows(refused, RangeError, "got 8");
});
