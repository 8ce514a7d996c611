/** Tests of weights in bfloat16: the exact prediction for gains that start at 1, and bit-exact resuming. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals } from "@std/assert";
import { fromParameters, type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import { parseFormat, type PolicyName, type PrecisionOverride } from "../precision/mod.ts";
import { foldIn, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { train, type TrainOptions } from "./loop.ts";
import { initialOptimizerState, type OptimizerConfig, zerosLike } from "./optimizer.ts";
import { roundWeights } from "./state_format.ts";
import { createTrainStep, disposeState, type TrainState } from "./step.ts";

await useTensorFlow();

const model: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 23, blockSize: 8 };
const B = 8, T = 8;
const isGain = (name: string) => /ln_[12f]\.weight$/.test(name);

/** Returns gains after steps at the learning rate 1e-3, for which the prediction holds. */
function gains(policy: PolicyName, optimizer: OptimizerConfig, steps: number): number[] {
  const parameters = toParameters(initialParameters(model, 1));
  let state: TrainState = {
    parameters,
    moments: {
      ...initialOptimizerState(parameters, optimizer),
      ...(policy === "bf16-pure-kahan" && { compensation: zerosLike(parameters) }),
    },
  };
  using step = createTrainStep({ model, optimizer, policy, execution: "graph" });
  const random = createRandom(2, "gains"), key = tf.tensor1d([5, 6], "int32");
  for (let i = 1; i <= steps; i++) {
    const ids = () =>
      tf.tensor2d(Int32Array.from({ length: B * T }, () => random.integer(23)), [B, T], "int32");
    const batch = { x: ids(), y: ids(), roundingKey: foldIn(key, i) };
    state = step(state, batch, { step: i, lr: 1e-3 }).state;
    tf.dispose({ ...batch });
  }
  const found = Object.entries(fromParameters(state.parameters))
    .flatMap(([name, { values }]) => isGain(name) ? [...values] : []);
  disposeState(state);
  return found;
}

Deno.test("gains that start at 1 never move in nearest-rounded bfloat16 at a rate of 1e-3; otherwise they do", () => {
  // AdamW's update is at most lr · max(1, (1 - beta1) / sqrt(1 - beta2)) = 1e-3 here (Kingma & Ba 2015, section 2.1);
  // below 1 bfloat16's numbers are 2^-8 apart, so that one under 2^-9 = 1.95e-3 is rounded away, and above 1 twice that.
  const optimizer: OptimizerConfig = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 1 };
  const nearest = gains("bf16-pure", optimizer, 60);
  assertEquals(nearest.length, 5 * 16);
  assertEquals(nearest.filter((gain) => gain !== 1), []);
  for (const policy of ["bf16-pure-stochastic", "bf16-pure-kahan", "float32"] as const) {
    const moved = gains(policy, optimizer, 60).filter((gain) => gain !== 1);
    assert(moved.length > 40, `${policy}: ${moved.length} of 80 gains moved`);
  }
});

const options = {
  model: { nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: 8, blockSize: 16 },
  weightDecay: 0.01,
  lr: 1e-2,
  warmupSteps: 2,
  steps: 8,
  seed: 3,
  batchSize: 4,
  blockSize: 16,
  data: {
    train: Int32Array.from({ length: 2000 }, (_, i) => (i * i + (i >> 3)) % 8),
    validation: Int32Array.from({ length: 500 }, (_, i) => (i * i + 1) % 8),
    tokenizer: { byteLengths: new Int32Array(8).fill(1) },
  },
  evalEvery: 8,
  evalTokens: 256,
  checkpointEvery: 4,
} satisfies TrainOptions;

Deno.test("compensation of some layers is also kept op by op, and in checkpoints", async () => {
  const overrides = [{ layers: ["h.0"], opClasses: ["optimizer"], format: "bfloat16-kahan" }] as const;
  const run = async (given: Partial<TrainOptions> = {}) => {
    const checkpoints: Uint8Array<ArrayBuffer>[] = [];
    for await (const event of train({ ...options, overrides, execution: "eager", ...given })) {
      if (event.event === "checkpoint") checkpoints.push(event.bytes);
    }
    return checkpoints;
  };
  const [half, end] = await run();
  assertEquals(await run({ resumeFrom: { bytes: half!, name: "half" } }), [end]);
});

Deno.test("runs with scalers, compensation and stochastic rounding are deterministic and resume bit for bit", async () => {
  const cases: [PolicyName, PrecisionOverride[]][] = [
    ["fp16-autocast", []],
    ["bf16-pure-kahan", []],
    ["bf16-pure-stochastic", []],
    ["emulated:e5m3-stochastic", [{ layers: ["h.0"], opClasses: ["residual"], format: "e8m4-truncate" }]],
  ];
  for (const [policy, overrides] of cases) {
    const run = async (given: Partial<TrainOptions> = {}) => {
      const checkpoints: Uint8Array<ArrayBuffer>[] = [], losses: number[] = [];
      for await (const event of train({ ...options, policy, overrides, ...given })) {
        if (event.event === "checkpoint") checkpoints.push(event.bytes);
        if (event.event === "step" || event.event === "eval") losses.push(event.loss);
      }
      return { checkpoints, losses };
    };
    const whole = await run();
    assert(whole.losses.every(Number.isFinite), policy);
    assertEquals(await run(), whole, policy);
    const resumed = await run({ resumeFrom: { bytes: whole.checkpoints[0]!, name: "half" } });
    assertEquals(resumed.checkpoints[0], whole.checkpoints[1], policy);
    assertEquals(resumed.losses, whole.losses.slice(-resumed.losses.length), policy);
  }
});

Deno.test("roundWeights() keeps the overflow of the format, whatever its rounding", () => {
  for (
    const [name, wanted] of [["e5m2-saturating-stochastic", 57_344], ["e5m2-stochastic", Infinity]] as const
  ) {
    const rounded = roundWeights({ w: tf.tensor1d([70_000]) }, { w: parseFormat(name) });
    assertEquals(rounded.w!.dataSync()[0], wanted, name);
  }
});
