import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { fromParameters, Gpt, gpt, type GptConfig, type ParameterRecord } from "../model/mod.ts";
import { crossEntropy, type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import { corpusFromBytes, prepareCorpus } from "../text/mod.ts";
import { Dataset } from "./dataset.ts";
import { train, type TrainOptions } from "./loop.ts";
import { createTrainStep } from "./step.ts";
import { createTrainer } from "./trainer.ts";
import type { TrainerOptions } from "./trainer_options.ts";

await useTensorFlow();

const text = Array.from({ length: 800 }, (_, i) => `${i * i % 97} to be or not to be\n`).join("");
const corpus = corpusFromBytes(new TextEncoder().encode(text), { name: "numbers" });
using data = new Dataset(await prepareCorpus(corpus, { tokenizer: "character" }), corpus.name);
const config: GptConfig = { nLayer: 1, nHead: 2, nEmbd: 16, blockSize: 16, vocabSize: data.vocabSize };
const size = { batchSize: 4, blockSize: 16 };

/** Returns the weights after some steps of a trainer. */
function trained(options: TrainerOptions, steps = 6): ParameterRecord {
  using model = gpt(config, { seed: options.seed });
  using trainer = createTrainer(model, options);
  for (const batch of data.batches({ ...size, steps, seed: options.seed })) trainer.step(batch);
  return fromParameters(model.parameters);
}

Deno.test("createTrainer(model) trains with its defaults, and evaluates", () => {
  using model = gpt(config);
  using trainer = createTrainer(model);
  const before = trainer.evaluate(data, { maxTokens: 512 });
  assertAlmostEquals(before.loss, Math.log(data.vocabSize), 0.2);
  for (const batch of data.batches({ ...size, steps: 60 })) {
    const { step, loss, gradNorm, lr, ...more } = trainer.step(batch);
    assertEquals(
      [step, trainer.stepsDone, lr],
      [step, step, step < 10 ? 1e-3 * step / 11 : 1e-3].map((value, i) =>
        i === 2 && step === 10 ? 1e-3 * 10 / 11 : value
      ),
    );
    assert(Number.isFinite(loss) && gradNorm > 0);
    assertEquals(more, {});
  }
  const { loss, bitsPerByte } = trainer.evaluate(data, { maxTokens: 512 });
  assert(loss < before.loss - 0.5, `${loss} after ${before.loss}`);
  assertAlmostEquals(bitsPerByte, loss / Math.LN2, 1e-6); // a character is a byte
});

Deno.test("a trainer and train() with the same options give bit-identical weights", async () => {
  const cases: TrainerOptions[] = [
    { policy: "float32" },
    { policy: "bf16-autocast", accumulate: 2, emaDecay: 0.9 },
    { policy: "fp16-autocast" },
    { policy: "bf16-pure-stochastic", optimizer: "sgd", momentum: 0.9, lr: 0.1, labelSmoothing: 0.1 },
  ];
  for (const given of cases) {
    const options = { ...given, seed: 3, steps: 6 };
    using model = gpt(config, { seed: 3 });
    const run: TrainOptions = { ...options, ...size, model, data, evalEvery: 6, evalTokens: 256 };
    for await (const _event of train(run));
    assertEquals(trained(options), fromParameters(model.parameters), JSON.stringify(given));
  }
});

Deno.test("a trainer owns the gradient scaler; a bare step without one is refused", () => {
  using model = gpt(config);
  using trainer = createTrainer(model, { policy: "fp16-autocast" });
  const batch = data.getBatch(size);
  assertEquals(trainer.step(batch).lossScale, 2 ** 15);
  using step = createTrainStep({
    ...{ model: config, policy: "fp16-autocast", execution: "graph" },
    optimizer: { optimizer: "sgd", momentum: 0, weightDecay: 0, clip: 0 },
  });
  assertThrows(
    () => step({ parameters: model.parameters, moments: {} }, batch, { step: 1, lr: 1 }),
    TypeError,
    "Cannot train under fp16-autocast: expected a state with a gradient scaler, got none. Use createTrainer().",
  );
  tf.dispose([batch.x, batch.y]);
});

Deno.test("a trainer that is saved and resumed gives the same result as an uninterrupted one", () => {
  const path = Deno.makeTempFileSync({ suffix: ".safetensors" });
  const options: TrainerOptions = { policy: "bf16-pure-kahan", steps: 6, emaDecay: 0.5, seed: 2 };
  using model = gpt(config, { seed: 2 });
  {
    using trainer = createTrainer(model, options);
    for (const batch of data.batches({ ...size, steps: 3, seed: 2 })) trainer.step(batch);
    trainer.save(path);
  }
  using other = gpt(config, { seed: 99 });
  using resumed = createTrainer(other, options);
  resumed.resume(path);
  assertEquals(resumed.stepsDone, 3);
  for (const batch of data.batches({ ...size, steps: 6, seed: 2, start: 3 })) resumed.step(batch);
  assertEquals(fromParameters(other.parameters), trained(options));

  using wide = gpt({ ...config, nEmbd: 32 });
  using wrong = createTrainer(wide, options);
  assertThrows(() => wrong.resume(path), UserError, "expected wte.weight");
  assertThrows(() => resumed.resume(`${path}.none`), UserError, "Cannot resume from");
  assertThrows(() => resumed.save(`${path}/x`), UserError, "Cannot save");
  Deno.removeSync(path);
});

Deno.test("a custom loss is trained in the compiled step; a custom cross entropy equals the built-in loss", () => {
  const flat = (logits: tf.Tensor3D) => tf.reshape(logits, [-1, data.vocabSize]);
  const own = (logits: tf.Tensor3D, y: tf.Tensor2D) => crossEntropy(flat(logits), tf.reshape(y, [-1]));
  for (const policy of ["float32", "fp16-autocast"] as PolicyName[]) {
    for (const accumulate of [1, 2]) {
      const builtIn = trained({ policy, accumulate }), ours = trained({ policy, accumulate, loss: own });
      for (const [name, { values }] of Object.entries(builtIn)) {
        values.forEach((value, i) => assertAlmostEquals(ours[name]!.values[i]!, value, 2e-3, name));
      }
    }
  }
  const other = trained({ loss: (logits, y) => tf.mul(0.5, own(logits, y)), optimizer: "sgd", clip: 0 });
  assertNotEquals(other, trained({ loss: own, optimizer: "sgd", clip: 0 }));
  assertThrows(() => trained({ loss: (logits) => logits }), TypeError, "expected loss() to return a scalar");
});

Deno.test("createTrainer() refuses options and batches that are out of range", () => {
  using model = gpt(config);
  const wrong: [TrainerOptions, string][] = [
    [{ lr: -1 }, "expected lr to be above 0, got -1"],
    [{ beta1: 1 }, "expected beta1 to be below 1, got 1"],
    [{ steps: 0 }, "expected steps to be at least 1, got 0"],
    [{ schedule: "cosine" }, "expected steps with the schedule cosine, got none"],
    [{ accumulate: 0 }, "expected accumulate"],
    [{ policy: "bf8" as PolicyName }, "bf8"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => createTrainer(model, options), RangeError, message);
  }
  using trainer = createTrainer(model);
  tf.tidy(() => {
    const x = tf.zeros<tf.Rank.R2>([2, 4], "int32");
    assertThrows(() => trainer.step({ x, y: tf.zeros([2, 4]) }), TypeError, "expected y to be int32 [B, T]");
    assertThrows(() => trainer.step({ x, y: tf.zeros([2, 3], "int32") }), TypeError, "of one shape");
    assertThrows(() => trainer.step(undefined as never), TypeError, "expected { x, y }, got undefined");
    assertThrows(() => createTrainer({} as Gpt), TypeError, "expected a model, got object");
    const V = data.vocabSize, ids = (id: number) => tf.tensor2d([[0, 1, 2, id]], undefined, "int32");
    const place = (name: string, id: number) =>
      new RegExp(`from 0 to ${V - 1} in ${name} \\(vocabSize ${V}\\).*, got ${id}\\. `);
    for (const id of [V, -1, -100]) {
      const { message } = assertThrows(() => trainer.step({ x: ids(id), y: ids(0) }), RangeError);
      assertMatch(message, place("x", id));
    }
    for (const id of [V, -1]) {
      const { message } = assertThrows(() => trainer.step({ x: ids(0), y: ids(id) }), RangeError);
      assertMatch(message, place("y", id));
    }
    assert(Number.isFinite(trainer.step({ x: ids(0), y: ids(-100) }).loss));
  });
});

Deno.test("a disposed trainer, and data of a larger vocabulary, are refused", () => {
  using small = gpt({ ...config, vocabSize: 8 });
  using open = createTrainer(small);
  assertThrows(
    () => open.evaluate(data),
    RangeError,
    `at most 8 tokens, the model's vocabSize, got ${data.vocabSize}`,
  );
  using model = gpt(config);
  const trainer = createTrainer(model);
  trainer.dispose();
  trainer.dispose();
  for (const batch of data.batches({ ...size, steps: 1 })) {
    assertThrows(() => trainer.step(batch), TypeError, "got a disposed one");
  }
  assertThrows(() => trainer.evaluate(data), TypeError, "got a disposed one");
  assertThrows(() => trainer.save("unused"), TypeError, "Cannot save a checkpoint: ");
});

Deno.test("a trainer leaves no tensor, and the model keeps its weights", () => {
  const before = tf.memory().numTensors;
  {
    using model = gpt(config);
    const weights = Object.keys(model.parameters).length;
    {
      using trainer = createTrainer(model, { policy: "fp16-autocast", emaDecay: 0.9 });
      for (const batch of data.batches({ ...size, steps: 2 })) trainer.step(batch);
      trainer.evaluate(data, { maxTokens: 128 });
    }
    assertEquals(tf.memory().numTensors, before + weights);
    for (const batch of data.batches(size)) if (batch.x.size > 0) break;
    assertEquals(tf.memory().numTensors, before + weights);
  }
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("data.batches() begin as getBatch(), skip `start` batches, and end after `steps`", () => {
  const rows = (options: Parameters<Dataset["batches"]>[0]) => [...function* () {
    for (const { x, y } of data.batches(options)) yield [...x.dataSync(), ...y.dataSync()];
  }()];
  const all = rows({ ...size, steps: 5, seed: 4 });
  assertEquals(all.length, 5);
  assertEquals(rows({ ...size, steps: 5, start: 3, seed: 4 }), all.slice(3));
  const { x, y } = data.getBatch({ ...size, seed: 4 });
  assertEquals([...x.dataSync(), ...y.dataSync()], all[0]);
  const [a, b] = [x.arraySync(), y.arraySync()];
  a.forEach((row, i) => assertEquals(row.slice(1), b[i]!.slice(0, -1)));
  tf.dispose([x, y]);
  assertThrows(() => data.getBatch({ batchSize: 0 }), RangeError, "expected an integer >= 1 for batchSize");
  assertThrows(() => data.batches({ steps: -1 }), RangeError, "expected an integer >= 0 for steps");
});

Deno.test("new Gpt() refuses weights that do not match its config", () => {
  using model = gpt(config);
  assertThrows(
    () => new Gpt({ ...config, nEmbd: 8 }, model.parameters),
    RangeError,
    "expected wte.weight of shape",
  );
});
