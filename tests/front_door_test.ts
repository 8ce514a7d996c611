/**
 * The loss block of the README's program, by value; and the one vocabulary of names that library and command line accept.
 */
import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { join } from "node:path";
import * as lk from "../lib/mod.ts";
import { sampleText } from "./support/commands.ts";

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const path = join(root, "text.txt");
Deno.writeTextFileSync(path, sampleText());

await lk.useTensorFlow();
const data = await lk.loadDataset(path, { tokenizer: "char" });
const size = { nLayer: 2, nHead: 2, nEmbd: 32, blockSize: 16, vocabSize: data.vocabSize };

/** Mean of -log softmax(logits)[y] in float64, nats per token. */
function referenceLoss(logits: readonly number[][], targets: ArrayLike<number>): number {
  const losses = logits.map((row, i) => {
    const top = Math.max(...row);
    return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) - row[targets[i]!]!;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

for (const useAmp of [false, true]) {
  Deno.test(`the loss block with useAmp ${useAmp} gives the mean loss, which a trainer's step reports too`, () => {
    using model = lk.gpt(size, { seed: 1 });
    const { x, y } = data.getBatch({ batchSize: 4, blockSize: 16, seed: 1 });
    let logits: tf.Tensor | undefined;
    const loss = lk.autocast(useAmp ? "bf16-autocast" : "float32", () => {
      const pred = model.forward(x); // logits
      const [B, T, C] = pred.shape;
      logits = pred;
      return lk.crossEntropy(tf.reshape(pred, [B * T, C]), tf.reshape(y, [B * T])); // mean, nats per token
    });
    assertEquals([logits!.shape, lk.trueDtype(logits!)], [
      [4, 16, data.vocabSize],
      useAmp ? "bfloat16" : "float32",
    ]);
    assertEquals([loss.shape, lk.trueDtype(loss)], [[], "float32"]);
    const rows = tf.reshape(logits!, [64, data.vocabSize]).arraySync() as number[][];
    const [value] = loss.dataSync() as unknown as [number];
    assertAlmostEquals(value, referenceLoss(rows, y.dataSync()), 1e-6);
    using trainer = lk.createTrainer(model, { policy: useAmp ? "bf16-autocast" : "float32", steps: 2 });
    assertAlmostEquals(trainer.step({ x, y }).loss, value, 1e-6);
    if (useAmp) { // bfloat16 has 8 significant bits: the loss moves, by less than a unit in its last place
      const plain = lk.autocast("float32", () => {
        using fresh = lk.gpt(size, { seed: 1 });
        const pred = tf.reshape(fresh.forward(x), [64, data.vocabSize]);
        return lk.crossEntropy(pred, tf.reshape(y, [64])).dataSync()[0]!;
      });
      assertNotEquals(value, plain);
      assertAlmostEquals(value, plain, plain * 2 ** -8);
    }
  });
}

Deno.test("every policy option accepts off and on, and records the full name", () => {
  const a = tf.tensor2d([[1 + 2 ** -9, 3]]), b = tf.ones([2, 1]) as tf.Tensor2D;
  const product = (policy: Parameters<typeof lk.autocast>[0]) => lk.autocast(policy, () => tf.matMul(a, b));
  assertEquals(lk.trueDtype(product("off")), "float32");
  assertEquals(lk.trueDtype(product("on")), "bfloat16");
  assertEquals(lk.trueDtype(product({ policy: "on", overrides: [] })), "bfloat16");
  assertThrows(() => product("onn" as "on"), RangeError, "Cannot use the precision policy");
  using model = lk.gpt(size, { seed: 1 });
  for (const [word, name] of [["off", /^float32$/], ["on", /^bf16-autocast(-cuda)?$/]] as const) {
    using trainer = lk.createTrainer(model, { policy: word });
    assertMatch(trainer.options.policy, name);
    const { x, y } = data.getBatch({ batchSize: 2, blockSize: 16, seed: 1 });
    assert(trainer.step({ x, y }).loss > 0);
  }
});

Deno.test("every tokenizer option accepts char, character and vocabulary sizes", async () => {
  const sizes = [];
  for (const tokenizer of ["char", "character", 270, "270", "bpe:270", "byte"]) {
    sizes.push((await lk.loadDataset(path, { tokenizer })).vocabSize);
  }
  assertEquals(sizes, [data.vocabSize, data.vocabSize, 270, 270, 270, 256]);
});

Deno.test("createTrainer() and train() refuse a word, a number or a flag that an option does not have", async () => {
  using model = lk.gpt(size, { seed: 1 });
  const wrong = [
    [{ execution: "quick" }, "expected execution to be one of graph, eager, got quick"],
    [
      { optimizer: "adam" },
      "expected optimizer to be one of adamw, sgd, muon, or the path of a module, got adam",
    ],
    [{ steps: 5, schedule: "step" }, "expected schedule to be one of"],
    [{ nesterov: "yes" }, "expected nesterov to be true or false, got yes"],
    [{ lr: 0 }, "expected lr to be above 0, got 0"],
    [{ learningRate: 1e-3 }, "expected a known option, got learningRate. "],
    [{ weight_decay: 0.1 }, "got weight_decay (did you mean weightDecay?)"],
  ] as const;
  for (const [options, message] of wrong) {
    assertThrows(() => lk.createTrainer(model, options as never), RangeError, message);
  }
  for (
    const [options, message] of [
      [{ evalEvery: 0 }, "evalEvery to be at least 1"],
      [{ sampling: "any" }, "sampling"],
      [{ batchsize: 4 }, "got batchsize (did you mean batchSize?)"],
    ] as const
  ) {
    const training = lk.train({ model, data, steps: 1, ...options as object });
    await assertRejects(() => training.next(), RangeError, message);
  }
  await assertRejects(
    () => lk.train({ model } as never).next(),
    TypeError,
    "Cannot train: expected data with the tokens `train` and `validation`, got none. Use loadDataset().",
  );
  using trainer = lk.createTrainer(model);
  const calls: readonly (readonly [call: () => unknown, message: string])[] = [
    [
      () => lk.gpt({ ...size, nLayers: 2 } as never),
      "Cannot create a GPT: expected a known option, got nLayers (did",
    ],
    [() => data.getBatch({ batch: 4 } as never), "Cannot make batches: expected a known option, got batch"],
    [() => data.batches({ block_size: 8 } as never).next(), "got block_size (did you mean blockSize?)"],
    [() => trainer.evaluate(data, { maxToken: 3 } as never), "got maxToken (did you mean maxTokens?)"],
    [
      () => lk.generate(model, data.tokenizer, { maxTokens: 3 } as never),
      "Cannot generate text: expected a known",
    ],
  ];
  for (const [call, message] of calls) assertThrows(call, RangeError, message);
  await assertRejects(
    () => lk.loadDataset(path, { vocab: 512 } as never),
    RangeError,
    "got vocab. The options are",
  );
  await assertRejects(
    () => lk.sweep({}, { out: "x" } as never),
    RangeError,
    "Cannot sweep: expected a known option",
  );
  const misspelled = { tolerence: 1 } as never;
  const logits = tf.zeros([1, 2]), targets = tf.tensor1d([0], "int32");
  const figure = lk.curveFigure({ title: "t", x: "x", y: "y" }, []);
  const refused: readonly (() => unknown)[] = [
    () => lk.crossEntropy(logits, targets, misspelled),
    () => lk.compile((x: tf.Tensor) => x, misspelled),
    () => lk.useTensorFlow(misspelled),
    () => lk.loadModel("missing", misspelled),
    () => lk.saveGpt2("missing", {} as never, misspelled),
    () => lk.compare([], misspelled),
    () => lk.compareFolder("missing", misspelled),
    () => lk.exportRuns("missing", misspelled),
    () => lk.findCulprit({ setting: "", pairs: [] }, misspelled),
    () => lk.plan({}, misspelled),
    () => lk.report("missing", misspelled),
    () => lk.verifyResume({}, misspelled),
    () => lk.runExperiment({} as never, misspelled),
    () => lk.reproduce("missing", misspelled),
    () => lk.figureSvg(figure, misspelled),
    () => lk.figurePng(figure, misspelled),
    () => lk.show([], misspelled),
    () => lk.livePlot([], misspelled).next(),
  ];
  for (const call of refused) {
    await assertRejects(
      async () => await call(),
      RangeError,
      "expected a known option, got tolerence",
      `${call}`,
    );
  }
  tf.dispose([logits, targets]);
  assertThrows(() => lk.generate(model, {} as never), TypeError, "expected a tokenizer, got object");
  assertThrows(
    () => lk.generate(model, data.tokenizer, { prompt: 3 as never }),
    TypeError,
    "prompt as a string",
  );
});
