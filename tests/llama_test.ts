// @heavy
/**
 * LLaMA in Hugging Face's files: logits against PyTorch's, on models that `fixtures/make_llama.py` saved with
 * transformers; saved models; refused files.
 */
import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import {
  Decoder,
  decodeSafetensors,
  type GptConfig,
  gptLogits,
  initialParameters,
  loadGpt2,
  saveGpt2,
  toParameters,
} from "../lib/model/mod.ts";
import { readRuns } from "../lib/record/mod.ts";
import { autocast, compile, type PolicyName, toFloat32, useTensorFlow } from "../lib/tensorflow/mod.ts";
import { zeroMoments } from "../lib/train/mod.ts";
import { createTrainStep, type TrainState } from "../lib/train/step.ts";
import { evaluateModel } from "../lib/study/mod.ts";
import { trainCharacterTokenizer } from "../lib/text/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { inFolder } from "./support/in_folder.ts";

const NAMES = ["plain", "grouped", "bfloat16"] as const;

interface Training {
  losses: number[];
  gradNorms: number[];
}

interface Expected {
  tokens: number[][];
  training: { lr: number; batches: number[][][]; float32: Training; bfloat16Autocast: Training };
  models: Record<typeof NAMES[number], { ownError: number; bfloat16Error: number; logits: number[][] }>;
}

const fixtures = new URL("./fixtures/llama/", import.meta.url).pathname;
const expected: Expected = JSON.parse(Deno.readTextFileSync(join(fixtures, "logits.json")));
const tokens = () => tf.tensor2d(expected.tokens, undefined, "int32");
await useTensorFlow();

/** Returns the largest and the root mean square difference of logits. */
function differences(got: tf.Tensor, want: readonly number[][]): { largest: number; rms: number } {
  const values = toFloat32(got).dataSync(), wanted = want.flat();
  assertEquals(values.length, wanted.length);
  let largest = 0, sum = 0;
  values.forEach((value, i) => {
    const difference = Math.abs(value - wanted[i]!);
    largest = Math.max(largest, difference);
    sum += difference ** 2;
  });
  return { largest, rms: Math.sqrt(sum / values.length) };
}

for (const name of NAMES) {
  Deno.test(`logits of a LLaMA that transformers saved are PyTorch's (${name})`, async () => {
    const { config, parameters } = await loadGpt2(join(fixtures, name));
    const want = expected.models[name], weights = toParameters(parameters);
    const logits = () => gptLogits(weights, tokens(), config);
    const { largest } = differences(logits(), want.logits);
    // PyTorch's own float32 differs from float64 by up to 3.6e-6 here, because sums run in another order.
    assertLess(largest, 1e-5);
    using compiled = compile(logits);
    assertLess(differences(compiled() as tf.Tensor, want.logits).largest, 1e-5);
    // In bfloat16: no farther from float64 than twice the error of transformers' own model in bfloat16, whose residual
    // stream is bfloat16 too.
    const low = differences(autocast("bf16-autocast", logits), want.logits);
    assertLess(low.largest, 2 * want.bfloat16Error);
    assert(low.largest > 100 * largest, "bf16-autocast did not round");
  });

  Deno.test(`a decoder with a cache computes the logits of the whole sequence (${name})`, async () => {
    const { config, parameters } = await loadGpt2(join(fixtures, name));
    using decoder = new Decoder(toParameters(parameters), config);
    const ids = expected.tokens[0]!, want = expected.models[name].logits;
    const read = (ids: number[]) => Array.from(decoder.read([ids])[0]!);
    const check = (got: number[], at: number) =>
      got.forEach((v, j) => assertAlmostEquals(v, want[at]![j]!, 1e-5, `position ${at}`));
    check(read(ids.slice(0, 7)), 6);
    for (let t = 7; t < ids.length; t++) check(read([ids[t]!]), t);
  });

  Deno.test(`a saved LLaMA has the tensors and the config that transformers saved (${name})`, () =>
    inFolder(async (folder) => {
      const model = await loadGpt2(join(fixtures, name));
      await saveGpt2(folder, model);
      const read = async (folder: string) => {
        const files = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".safetensors"));
        const all = await Promise.all(
          files.map(async ({ name }) =>
            decodeSafetensors(await Deno.readFile(join(folder, name)), name).tensors
          ),
        );
        return Object.fromEntries(
          all.flatMap((tensors) => Object.entries(tensors)).sort(([a], [b]) => a < b ? -1 : 1),
        );
      };
      assertEquals(await read(folder), await read(join(fixtures, name)));
      const json = async (folder: string) => JSON.parse(await Deno.readTextFile(join(folder, "config.json")));
      const [own, theirs] = [await json(folder), await json(join(fixtures, name))];
      // Written by every model of transformers, with the values that are assumed without them.
      for (const field of ["transformers_version", "use_cache", "pad_token_id", "pretraining_tp"]) {
        delete theirs[field];
      }
      for (const field of ["rope_scaling", "rope_theta"]) delete own[field]; // for transformers 4
      if (own.rope_parameters.rope_type === "default") {
        assertEquals(theirs.rope_parameters.rope_theta, 10_000);
      }
      assertEquals(own, theirs);
      assertEquals((await loadGpt2(folder)).config, model.config);
    }));
}

/** Returns the mean cross entropy of PyTorch's logits, in float64. */
function meanLoss(logits: readonly number[][], ids: readonly number[]): number {
  const losses = ids.slice(1).map((target, t) => {
    const row = logits[t]!, most = Math.max(...row);
    return most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) - row[target]!;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

Deno.test("evaluate of a folder that transformers saved gives PyTorch's mean loss", () =>
  inFolder(async (folder) => {
    // One letter for each of the 61 ids, so that the text has the tokens of the fixture.
    const letters = Array.from({ length: 61 }, (_, i) => String.fromCharCode(0x100 + i)).join("");
    const tokenizer = trainCharacterTokenizer(letters);
    for (const name of NAMES) {
      const copy = join(folder, name), ids = expected.tokens[0]!, file = join(folder, "text.txt");
      await Deno.mkdir(copy);
      for (const { name: each } of Deno.readDirSync(join(fixtures, name))) {
        await Deno.copyFile(join(fixtures, name, each), join(copy, each));
      }
      await Deno.writeTextFile(join(copy, "tokenizer.json"), JSON.stringify(tokenizer.toJSON()));
      await Deno.writeTextFile(file, tokenizer.decode(ids));
      const { loss, tokens } = await evaluateModel(copy, { file });
      assertEquals(tokens, ids.length - 1);
      assertAlmostEquals(loss, meanLoss(expected.models[name].logits, ids), 1e-5, name);
    }
  }));

/** Trains the model `grouped` for the ten steps of the fixture. */
async function trainTen(policy: PolicyName, execution: "graph" | "eager") {
  const { config, parameters } = await loadGpt2(join(fixtures, "grouped"));
  const weights = toParameters(parameters);
  let state: TrainState = { parameters: weights, moments: zeroMoments(weights) };
  const optimizer = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 1 };
  using step = createTrainStep({ model: config, policy, execution, optimizer });
  const { lr, batches } = expected.training;
  return batches.map((rows, i) => {
    const ids = (from: number, to?: number) =>
      tf.tensor2d(rows.map((row) => row.slice(from, to)), undefined, "int32");
    const result = step(state, { x: ids(0, -1), y: ids(1) }, { step: i + 1, lr });
    state = result.state;
    return { loss: result.loss, gradNorm: result.gradNorm };
  });
}

for (const execution of ["eager", "graph"] as const) {
  Deno.test(`ten training steps of a LLaMA equal PyTorch's (${execution})`, async () => {
    const { float32, bfloat16Autocast } = expected.training;
    (await trainTen("float32", execution)).forEach(({ loss, gradNorm }, i) => {
      assertAlmostEquals(loss, float32.losses[i]!, 5e-6, `step ${i + 1}`);
      assertAlmostEquals(gradNorm, float32.gradNorms[i]!, 1e-5 * float32.gradNorms[i]!, `step ${i + 1}`);
    });
    // The bound of parity_test.ts: R roundings of a logit, here 16 per block (rotary positions of queries and keys, and the
    // product of gates and values, in addition to GPT-2's 13), on both sides. Logits have an RMS of about 1.7.
    const R = 16 * 2 + 3, U = 2 ** -8;
    const bound = 4 * 2 * Math.sqrt(R) * U / Math.sqrt(3) * 1.7;
    (await trainTen("bf16-autocast", execution)).forEach(({ loss }, i) =>
      assertAlmostEquals(loss, bfloat16Autocast.losses[i]!, bound, `step ${i + 1}`)
    );
  });
}

Deno.test("a LLaMA is trained, evaluated, saved and generated from the command line", () =>
  inFolder(async (folder) => {
    const text = join(folder, "text.txt"), out = join(folder, "out"), saved = join(folder, "saved");
    await Deno.writeTextFile(text, sampleText());
    const train = [
      ...[
        "--data",
        text,
        "--out",
        out,
        "--steps",
        "6",
        "--vocab",
        "char",
        "--amp",
        "on",
        "--architecture",
        "llama",
      ],
      ...[
        "--n-layer",
        "2",
        "--n-head",
        "4",
        "--n-kv-head",
        "2",
        "--n-embd",
        "32",
        "--n-inner",
        "48",
        "--seq",
        "16",
      ],
      ...["--batch", "4", "--eval-every", "3", "--checkpoint-every", "2", "--rope-scaling", "linear:2"],
    ];
    const run = async (task: string, args: string[]) => {
      const { code, stdout, stderr } = await runTask(task, args);
      assertEquals(code, 0, stderr);
      return stdout;
    };
    await run("train", train);
    const [recorded] = readRuns(out);
    const { spec, runId } = recorded!.manifest;
    assertEquals(
      [spec.architecture, spec.norm, spec.position, spec.activation, spec.bias, spec.tiedHead, spec.nKvHead],
      ["llama", "rmsNorm", "rotary", "swiglu", false, false, 2],
    );
    const path = join(out, "runs", runId);
    await run("save-gpt2", [path, saved]);
    assertEquals(JSON.parse(await Deno.readTextFile(join(saved, "config.json"))).model_type, "llama");
    const sentence = ["--text", "the old king ran from the river", "--amp", "off", "--json"];
    assertEquals(await run("evaluate", [saved, ...sentence]), await run("evaluate", [path, ...sentence]));
    const speak = ["--prompt", "the", "--max-tokens", "20", "--seed", "5"];
    assertEquals(await run("generate", [saved, ...speak]), await run("generate", [path, ...speak]));
    const wrong = await runTask("train", [
      "--data",
      text,
      "--rope-scaling",
      "yarn:2",
      "--position",
      "rotary",
    ]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr, "expected none, linear:FACTOR, or llama3:FACTOR,LOW,HIGH,LENGTH");
  }));

Deno.test("a model with some of LLaMA's options is saved as neither architecture", () =>
  inFolder(async (folder) => {
    const config: GptConfig = { nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 11, blockSize: 4, norm: "rmsNorm" };
    const error = await assertRejects(() =>
      saveGpt2(folder, { config, parameters: initialParameters(config, 1) })
    );
    assertStringIncludes((error as Error).message, "norm rmsNorm");
  }));
