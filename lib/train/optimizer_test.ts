import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { useTensorFlow } from "../tensorflow/mod.ts";
import {
  initialOptimizerState,
  movingAverage,
  type OptimizerConfig,
  type OptimizerState,
  updateParameters,
} from "./optimizer.ts";

await useTensorFlow();

/** A flattened matrix [3, 4] and a vector [4]. */
type Pair = [number[], number[]];
interface Case {
  start: Pair;
  gradients: Pair[];
  after: Pair[];
  norms: number[];
  averages: Pair[];
}
const reference: { optimizers: Record<string, Case> } = JSON.parse(
  Deno.readTextFileSync(new URL("../../tests/fixtures/training/training.json", import.meta.url)),
);

/** The configurations in `make_training.py`. The learning rate is 0.1. */
const CONFIGS: Record<string, OptimizerConfig> = {
  "sgd": { optimizer: "sgd", momentum: 0, weightDecay: 0, clip: 0 },
  "sgd-momentum": { optimizer: "sgd", momentum: 0.9, weightDecay: 0.05, clip: 0 },
  "sgd-nesterov": { optimizer: "sgd", momentum: 0.8, nesterov: true, weightDecay: 0.05, clip: 1 },
  "adamw": { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 },
};

const toTensors = ([matrix, vector]: Pair) => ({
  matrix: tf.tensor2d(matrix, [3, 4]),
  vector: tf.tensor1d(vector),
});

function assertNear(got: Record<string, tf.Tensor>, [matrix, vector]: Pair, what: string): void {
  for (const [name, want] of [["matrix", matrix], ["vector", vector]] as const) {
    got[name]!.dataSync().forEach((value, i) =>
      assertAlmostEquals(value, want[i]!, 2e-6, `${what}: ${name}`)
    );
  }
}

for (const [name, config] of Object.entries(CONFIGS)) {
  Deno.test(`updateParameters() and movingAverage() equal PyTorch's (${name})`, () => {
    const { start, gradients, after, norms, averages } = reference.optimizers[name]!;
    tf.tidy(() => {
      let parameters: Record<string, tf.Tensor> = toTensors(start), ema = parameters;
      let moments: OptimizerState = initialOptimizerState(parameters, config);
      for (const [i, gradient] of gradients.entries()) {
        const at = {
          lr: tf.scalar(0.1),
          correction1: tf.scalar(1 - 0.9 ** (i + 1)),
          correction2: tf.scalar(1 - 0.95 ** (i + 1)),
          step: tf.scalar(i + 1),
        };
        const result = updateParameters({ parameters, moments }, toTensors(gradient), at, config);
        ({ parameters, moments } = result);
        assertEquals(Object.keys(moments), Object.keys(initialOptimizerState(parameters, config)));
        assertNear(parameters, after[i]!, `step ${i + 1}`);
        assertAlmostEquals(result.gradNorm.dataSync()[0]!, norms[i]!, 1e-5);
        ema = movingAverage(ema, parameters, 0.9);
        assertNear(ema, averages[i]!, `average ${i + 1}`);
      }
    });
  });
}
