/** Tests of overrides and formats of single layers and classes, in training steps. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertGreater, assertLess, assertNotEquals } from "@std/assert";
import {
  fromParameters,
  type GptConfig,
  initialParameters,
  type ParameterRecord,
  toParameters,
} from "../model/mod.ts";
import { OP_CLASSES, type OpClass, parseFormat, type PrecisionOverride } from "../precision/mod.ts";
import { roundTo, toFloat32, useTensorFlow } from "../tensorflow/mod.ts";
import { initialOptimizerState, type OptimizerConfig, zerosLike } from "./optimizer.ts";
import { lossAndGradients } from "./gradients.ts";
import { TINY, tinyBatch } from "./_testing.ts";
import { createTrainStep, disposeState, type StepConfig, type TrainState } from "./step.ts";

await useTensorFlow();

const model = TINY;
const optimizer: OptimizerConfig = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 1 };
const B = 4, T = 8;

/** Returns the losses of three steps, and the final weights. */
function run(
  given: Partial<StepConfig> & { roundingKey?: tf.Tensor },
): { losses: number[]; weights: ParameterRecord } {
  const { roundingKey, ...rest } = given;
  const config: StepConfig = { model, optimizer, policy: "float32", execution: "graph", ...rest };
  const parameters = toParameters(initialParameters(config.model, 1));
  let state: TrainState = { parameters, moments: initialOptimizerState(parameters, config.optimizer) };
  using step = createTrainStep(config);
  const data = { ...tinyBatch(), ...(roundingKey && { roundingKey }) };
  const losses: number[] = [];
  for (let i = 1; i <= 3; i++) {
    const result = step(state, data, { step: i, lr: 0.01 });
    state = result.state;
    losses.push(result.loss);
  }
  const weights = fromParameters(state.parameters);
  disposeState(state);
  tf.dispose([data.x, data.y]);
  return { losses, weights };
}

/** Returns the gradients of the initial weights. */
function gradients(overrides: PrecisionOverride[], given: Partial<GptConfig> = {}): ParameterRecord {
  const config = { ...model, ...given };
  const parameters = toParameters(initialParameters(config, 1));
  const found = lossAndGradients(parameters, tinyBatch(), { model: config, policy: "float32", overrides });
  return fromParameters(found.gradients);
}

const forward = OP_CLASSES.filter((name) => name !== "optimizer");

Deno.test("bf16-autocast with every class overridden to float32 equals float32, bit for bit", () => {
  assertEquals(run({ policy: "bf16-autocast", overrides: [{ format: "float32" }] }), run({}));
});

Deno.test("float32 with autocast's classes lowered to bfloat16 equals bf16-autocast, bit for bit", () => {
  const opClasses: OpClass[] = ["linear", "attention", "softmax", "gelu"];
  const overrides = [{ opClasses, format: "bfloat16" }];
  assertEquals(run({ overrides }), run({ policy: "bf16-autocast" }));
});

Deno.test("emulated e8m7 agrees with bfloat16 up to the order of summation", () => {
  const opClasses: OpClass[] = ["linear", "attention", "softmax", "gelu"];
  const [emulated, real, wide] = [[{ opClasses, format: "e8m7" }], [{ opClasses, format: "bfloat16" }], []]
    .map((overrides) => run({ overrides }).losses) as [number[], number[], number[]];
  for (const [i, loss] of emulated.entries()) {
    assertNotEquals(loss, wide[i]);
    // Another order of summation can round to the other neighbor, 2^-7 apart; losses of 32 positions average that out.
    assertLess(Math.abs(loss - real[i]!), 2 ** -7 * loss / Math.sqrt(B * T));
  }
});

/** Compares losses averaged over positions: eager and compiled sums differ in float32's last digits. */
function assertNear(a: readonly number[], b: readonly number[], message: string): void {
  for (const [i, loss] of a.entries()) assertLess(Math.abs(loss - b[i]!), 5e-3, message);
}

Deno.test("every class and every layer has a scope: few bits there change the loss, eager and compiled", () => {
  const plain = run({ model: { ...model, qkNorm: true } });
  const scopes = [
    ...forward.map((opClass) => ({ opClasses: [opClass] })),
    ...["embedding", "h.0", "h.1", "head", "loss"].map((layer) => ({ layers: [layer] })),
  ];
  for (const scope of scopes) {
    const given = { model: { ...model, qkNorm: true }, overrides: [{ ...scope, format: "e8m2" }] };
    const graph = run(given);
    assertNotEquals(graph.losses, plain.losses, JSON.stringify(scope));
    assert(graph.losses.every(Number.isFinite), JSON.stringify(scope));
    assertNear(run({ ...given, execution: "eager" }).losses, graph.losses, JSON.stringify(scope));
  }
});

Deno.test("gradients follow their scope: only those of the layer's matrices have the layer's format", () => {
  const format = parseFormat("e5m2");
  const found = gradients([{ layers: ["h.1"], opClasses: ["linear"], format: format.name }]);
  for (const [name, { shape, values }] of Object.entries(found)) {
    if (name.includes("ln_")) continue;
    const same = tf.tidy(() => Array.from(roundTo(tf.tensor(values, shape), format).dataSync()))
      .every((value, i) => value === values[i]);
    assertEquals(same, name.startsWith("h.1."), name);
  }
});

Deno.test("the loss in chunks has the same scopes as the plain one", () => {
  const names = ["linear", "loss"] as const;
  for (const opClass of names) {
    for (const format of ["bfloat16", "e8m3"]) {
      const overrides = [{ layers: ["head", "loss"], opClasses: [opClass], format }];
      const [plain, blocked] = [false, true].map((blocked) => run({ overrides, loss: { blocked } }));
      for (const [i, loss] of blocked!.losses.entries()) {
        assertLess(
          Math.abs(loss - plain!.losses[i]!),
          1e-3,
          `${opClass} ${format} ${blocked!.losses} ${plain!.losses}`,
        );
      }
      assertNotEquals(blocked!.losses, run({ loss: { blocked: true } }).losses);
    }
  }
});

Deno.test("a loss in bfloat16 is rounded: ln 50,257 = 10.825 becomes 10.8125", () => {
  const config = { ...model, vocabSize: 50257 };
  const parameters = toParameters(initialParameters(config, 1));
  const zeros = { ...parameters, "ln_f.weight": tf.zeros([16]) }; // every logit is 0
  const at = (overrides: PrecisionOverride[]) =>
    lossAndGradients(zeros, tinyBatch(), { model: config, policy: "bf16-autocast", overrides }).loss
      .dataSync()[0]!;
  assertLess(Math.abs(at([]) - Math.log(50257)), 1e-5);
  assertEquals(at([{ opClasses: ["loss"], format: "bfloat16" }]), 10.8125);
});

Deno.test("weights and moments have their format's values after every step, only in the named layers", () => {
  const overrides: PrecisionOverride[] = [{ layers: ["h.0"], opClasses: ["optimizer"], format: "bfloat16" }];
  const { weights } = run({ overrides });
  for (const [name, { shape, values }] of Object.entries(weights)) {
    const rounded = roundTo(tf.tensor(values, shape), parseFormat("bfloat16")).dataSync();
    const same = values.every((value, i) => value === rounded[i]);
    if (name.startsWith("h.0.")) assert(same, name);
    else if (shape.length > 1) assert(!same, name);
  }
  const stochastic = [{ opClasses: ["optimizer" as const], format: "bfloat16-stochastic" }];
  const key = (n: number) => tf.tensor1d([n, 1], "int32");
  const first = run({ overrides: stochastic, roundingKey: key(1) });
  assertEquals(run({ overrides: stochastic, roundingKey: key(1) }), first);
  const eager = run({ overrides: stochastic, roundingKey: key(1), execution: "eager" });
  assertNear(eager.losses, first.losses, "eager");
  assertNotEquals(run({ overrides: stochastic, roundingKey: key(2) }).weights, first.weights);
});

Deno.test("Kahan compensation preserves what rounding loses: weights plus compensation equal float32's", () => {
  const sgd: OptimizerConfig = { optimizer: "sgd", momentum: 0, weightDecay: 0, clip: 0 };
  const bfloat16 = parseFormat("bfloat16");
  /** Returns the weights, and the compensation, after steps from weights that are representable in bfloat16. */
  const sums = (overrides: PrecisionOverride[]): Float32Array[] => {
    const given = Object.entries(toParameters(initialParameters(model, 1)));
    const parameters = Object.fromEntries(given.map(([name, p]) => [name, toFloat32(roundTo(p, bfloat16))]));
    const compensation = zerosLike(parameters);
    let state: TrainState = { parameters, moments: { compensation } };
    using step = createTrainStep({ model, optimizer: sgd, policy: "float32", execution: "graph", overrides });
    const data = tinyBatch();
    for (let i = 1; i <= 10; i++) state = step(state, data, { step: i, lr: 0.02 }).state;
    return Object.entries(state.parameters).map(([name, p]) =>
      tf.add(p, state.moments["compensation"]?.[name] ?? 0).dataSync() as Float32Array
    );
  };
  const wide = sums([]);
  const far = (format: string) =>
    Math.max(
      ...sums([{ opClasses: ["optimizer"], format }]).flatMap((values, i) =>
        Array.from(values, (value, j) => Math.abs(value - wide[i]![j]!))
      ),
    );
  // Gains of 1 cannot move by less than half of 2^-8 when they are rounded; the compensation has 8 more bits.
  assertGreater(far("bfloat16"), 10 * far("bfloat16-kahan"));
});
