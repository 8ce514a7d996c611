// @heavy
/**
 * Hugging Face folders that no command can use: each is refused with one reason and one remedy, and nothing is started.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { exists } from "../lib/file/exists.ts";
import {
  ARCHITECTURES,
  decodeSafetensors,
  encodeSafetensors,
  gptLogits,
  initialParameters,
  loadGpt2,
  type ParameterRecord,
  saveGpt2,
  toParameters,
} from "../lib/model/mod.ts";
import { evaluateModel, generateTexts, plan, recordRun, saveModel } from "../lib/study/mod.ts";
import { trainCharacterTokenizer } from "../lib/text/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import * as tf from "@tensorflow/tfjs";
import { runTask } from "./support/commands.ts";

const root = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const LETTERS = "abcdefghijklmnopqrstuvwxyz .,\n";
const data = join(root, "text.txt");
await Deno.writeTextFile(data, LETTERS.repeat(20));
const config = {
  ...ARCHITECTURES.llama,
  ...{ nLayer: 2, nHead: 4, nKvHead: 2, nEmbd: 16, nInner: 24, vocabSize: 30, blockSize: 16 },
};
const model = { config, parameters: initialParameters(config, 1) };
const tokenizer = trainCharacterTokenizer(LETTERS);
const whole = join(root, "whole"), sharded = join(root, "sharded");
await saveGpt2(whole, model, { tokenizer });
await saveGpt2(sharded, model, { tokenizer, maxShardBytes: 4000 });

/** Copies a folder without its checksums. */
async function copyOf(folder: string): Promise<string> {
  const copy = await Deno.makeTempDir({ dir: root });
  for (const { name } of Deno.readDirSync(folder)) {
    if (name !== "SHA256SUMS") await Deno.copyFile(join(folder, name), join(copy, name));
  }
  return copy;
}

type Json = Record<string, unknown>;

const readJson = (path: string): Json => JSON.parse(Deno.readTextFileSync(path));

/** Changes a JSON file of a folder. */
function changeJson(folder: string, name: string, change: (json: Json) => unknown): void {
  const path = join(folder, name);
  Deno.writeTextFileSync(path, JSON.stringify(change(readJson(path))));
}

/** Changes the tensors of a file. */
function changeTensors(
  folder: string,
  name: string,
  change: (tensors: ParameterRecord) => ParameterRecord,
): void {
  const path = join(folder, name), { tensors, metadata } = decodeSafetensors(Deno.readFileSync(path), path);
  Deno.writeFileSync(path, encodeSafetensors({ tensors: change(tensors), metadata }));
}

/** Changes the bytes of a file. */
function changeBytes(folder: string, name: string, change: (bytes: Uint8Array) => Uint8Array): void {
  Deno.writeFileSync(join(folder, name), change(Deno.readFileSync(join(folder, name))));
}

/** Requires one sentence with a reason and a remedy. Only a list of tensors has several lines. */
function assertSentence(message: string, reason: string): void {
  assertStringIncludes(message, reason);
  assertMatch(message, /^Cannot [^\n]+(\n {2}[^\n]+)*\n?.*\.$/);
  assertMatch(message, /[.)\]"a-z0-9]( |\n)[A-Z][^.]+[^\n]*\.$/, "a remedy");
  assert(!/ {4}at |\n(?! {2}|Correct)/.test(message), message);
}

const rope = (fields: Json) => ({ rope_parameters: { rope_theta: 1e4, ...fields } });

/** Fields of `config.json`, with the reason why each is refused. */
const CONFIGS: readonly [change: Json, reason: string][] = [
  ...["yarn", "dynamic", "longrope", "su", "mrope"].map((rope_type): [Json, string] => [
    rope({ rope_type, factor: 2 }),
    `rope scaling ${rope_type}: supported are default, linear and llama3`,
  ]),
  [rope({ rope_type: "linear" }), "rope scaling linear without its factors"],
  [rope({ rope_type: "llama3", factor: 4 }), "rope scaling llama3 without its factors"],
  [{ rope_parameters: undefined, rope_scaling: { type: "dynamic", factor: 2 } }, "rope scaling dynamic"],
  [rope({ rope_type: "linear", factor: 0 }), 'with numbers above 0 and LOW < HIGH, got "linear:0"'],
  [rope({ factor: 2 }), "rope scaling without rope_type, but with factor"],
  [{ rope_parameters: { full_attention: {} } }, "rope scaling without rope_type, but with full_attention"],
  [rope({ rope_type: "linear", factor: "2" }), 'rope_parameters.factor: expected a number, got "2"'],
  [rope({ partial_rotary_factor: 0.5 }), "rotation of a part of each head is not supported"],
  [{ partial_rotary_factor: 0.5 }, "rotation of a part of each head is not supported"],
  [{ rope_parameters: undefined, rope_scaling: "linear" }, "rope_scaling: expected an object"],
  [{ rope_parameters: undefined, rope_theta: -5 }, "rope_theta: expected a number above 0, got -5"],
  [{ attention_bias: true }, "attention_bias: biases are not supported"],
  [{ mlp_bias: true }, "mlp_bias: biases are not supported"],
  [{ sliding_window: 8 }, "sliding_window is 8: attention over a window shorter than"],
  [{ layer_types: ["sliding_attention", "full_attention"] }, "attention over a window is not supported"],
  [{ quantization_config: { quant_method: "gptq" } }, "quantized weights are not supported"],
  [{ head_dim: 8 }, "head_dim is 8, not hidden_size / num_attention_heads = 4"],
  [{ head_dim: -4 }, "head_dim: expected a number of at least 1, got -4"],
  [{ hidden_act: "gelu" }, 'hidden_act: unknown activation "gelu"'],
  [{ vocab_size: "30" }, 'vocab_size: expected a number, got "30"'],
  [{ vocab_size: 1 }, "vocab_size: expected a number of at least 2, got 1"],
  [{ vocab_size: 30.5 }, "vocab_size: expected a whole number below 2^53, got 30.5"],
  [{ vocab_size: 1e12 }, "embed_tokens.weight is [30,16], expected [1000000000000,16]"],
  [{ num_hidden_layers: -2 }, "num_hidden_layers: expected a number of at least 1, got -2"],
  [{ num_hidden_layers: 1e9 }, "expected the tensors of 1000000000 layers, got 21 tensors"],
  [{ num_hidden_layers: 1 }, "layers.1.mlp.down_proj.weight of [16,24] is not a parameter of this config"],
  [{ num_key_value_heads: 3 }, "expected nHead to be a multiple of nKvHead, got nHead 4 and nKvHead 3"],
  [{ num_key_value_heads: 4 }, "layers.0.self_attn.k_proj.weight is [8,16], expected [16,16]"],
  [{ num_hidden_layers: 3 }, "layers.2.mlp.down_proj.weight is missing, expected [16,24]"],
  [{ intermediate_size: 1e14 }, "layers.0.mlp.gate_proj.weight is [24,16], expected [100000000000000,16]"],
  [{ max_position_embeddings: 2 ** 31 }, "max_position_embeddings: expected a number of at most 2147483647"],
  [{ rms_norm_eps: 0 }, "rms_norm_eps: expected a number above 0, got 0"],
  [{ tie_word_embeddings: true }, "lm_head.weight differs from embed_tokens.weight"],
  [{ tie_word_embeddings: "false" }, 'tie_word_embeddings: expected true or false, got "false"'],
  [{ model_type: "mistral" }, 'expected model_type to be gpt2 or llama, got "mistral"'],
];

const SHARD = "model-00002-of-00006.safetensors", INDEX = "model.safetensors.index.json";
const setWeight = (tensor: string, file: string) => (folder: string) =>
  changeJson(folder, INDEX, ({ weight_map, ...rest }) => ({
    ...rest,
    weight_map: { ...Object(weight_map), [tensor]: file },
  }));
const NORM = "model.norm.weight";

/** Damaged files of a folder in one file or in shards, with the reason why each is refused. */
const FILES: readonly [from: string, change: (folder: string) => void, reason: string][] = [
  [whole, (to) => Deno.removeSync(join(to, "model.safetensors")), "got neither"],
  [whole, (to) => Deno.writeTextFileSync(join(to, "config.json"), ""), "it is empty"],
  [whole, (to) => changeBytes(to, "model.safetensors", (bytes) => bytes.slice(0, -5)), "lies at bytes"],
  [whole, (to) => changeBytes(to, "model.safetensors", (bytes) => bytes.slice(0, 4)), "it is 4 bytes long"],
  [
    whole,
    (to) => changeBytes(to, "model.safetensors", (bytes) => bytes.fill(1, 4, 5)),
    "its header claims 4294969", // more bytes than the file has
  ],
  [
    whole,
    (to) =>
      Deno.writeTextFileSync(join(to, "model.safetensors"), "version https://git-lfs.github.com/spec/v1\n"),
    "it is a pointer of Git LFS",
  ],
  [
    whole,
    (to) => changeTensors(to, "model.safetensors", ({ [NORM]: _, ...rest }) => rest),
    "norm.weight is missing, expected [16]",
  ],
  [
    whole,
    (to) =>
      changeTensors(to, "model.safetensors", (tensors) => ({
        ...tensors,
        [NORM]: { shape: [8], values: new Float32Array(8) },
      })),
    "norm.weight is [8], expected [16]",
  ],
  [sharded, (to) => Deno.removeSync(join(to, SHARD)), `${SHARD}: it does not exist`],
  [sharded, setWeight(NORM, "none.safetensors"), "none.safetensors: it does not exist"],
  [sharded, setWeight(NORM, "../x.safetensors"), "expected a weight_map from tensors to names of files"],
  [sharded, setWeight("model.more", SHARD), `model.more is not in ${SHARD}, as the index says`],
  [sharded, (to) => changeBytes(to, SHARD, (bytes) => bytes.slice(0, -9)), "lies at bytes"],
  [
    sharded,
    (to) =>
      changeTensors(to, SHARD, (tensors) => ({
        ...tensors,
        "model.embed_tokens.weight": { shape: [30, 16], values: new Float32Array(480) },
      })),
    "embed_tokens.weight occurs twice",
  ],
  [
    whole,
    (to) =>
      changeJson(to, "tokenizer.json", ({ model, ...rest }) => ({
        ...rest,
        model: { ...Object(model), vocab: { ...Object(model).vocab, "é": 30 } },
      })),
    "expected at most 30 tokens, as the model has (vocab_size), got 31",
  ],
  [whole, (to) => Deno.removeSync(join(to, "tokenizer.json")), "expected tokenizer.json"],
  [
    whole,
    (to) =>
      changeJson(to, "tokenizer.json", (json) => ({
        ...json,
        added_tokens: [{ id: 31, content: "</s>", special: true, normalized: false }],
      })),
    '"</s>" has the id 31 instead of 30, the next one',
  ],
];

/** Library calls of the commands that read a folder. */
const CALLS: Readonly<Record<string, (folder: string) => Promise<unknown>>> = {
  evaluate: (folder) => evaluateModel(folder, { text: "abc" }),
  generate: (folder) => generateTexts(folder, ["a"]),
  "save-gpt2": (folder) => saveModel(folder, join(root, "saved")),
  train: (folder) =>
    recordRun({ data, initFrom: folder, B: 2, steps: 2 }, { dir: join(root, "trained"), print: () => {} }),
  sweep: (folder) =>
    plan(
      {
        data,
        seq: [8],
        tokensPerStep: 16,
        vocab: ["char"],
        policy: ["float32"],
        axes: { initFrom: ["none", folder] },
      },
      { dir: join(root, "swept") },
    ),
};

Deno.test("each config that losskit cannot compute is refused with its field and a remedy", async () => {
  for (const [change, reason] of CONFIGS) {
    const folder = await copyOf(whole);
    changeJson(folder, "config.json", (json) => ({ ...json, ...change }));
    const error = await assertRejects(() => loadGpt2(folder), UserError, undefined, JSON.stringify(change));
    assertSentence(error.message, reason);
  }
});

Deno.test("fields that do not change the model are accepted", async () => {
  const neutral: Json[] = [
    { sliding_window: null, layer_types: ["full_attention", "full_attention"], quantization_config: null },
    { sliding_window: 16 },
    { sliding_window: 8, use_sliding_window: false },
    { partial_rotary_factor: 1, ...rope({ rope_type: "default", partial_rotary_factor: 1 }) },
    { head_dim: null, rope_parameters: null, rope_scaling: {} },
    { model_type: undefined },
    { max_position_embeddings: 2 ** 31 - 1 },
  ];
  for (const change of neutral) {
    const folder = await copyOf(whole);
    changeJson(folder, "config.json", (json) => ({ ...json, ...change }));
    const { config: { blockSize: _, ...found } } = await loadGpt2(folder);
    const { config: { blockSize: __, ...want } } = await loadGpt2(whole);
    assertEquals(found, want, JSON.stringify(change));
  }
});

Deno.test("rotary fields of older versions take effect as in transformers", async () => {
  const llama3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const cases: [Json, theta: number, scaling: string][] = [
    [{ rope_scaling: { rope_type: "linear", factor: 2 }, rope_theta: 77 }, 77, "linear:2"],
    [{ rope_scaling: { rope_type: "linear", factor: 2, rope_theta: 5 }, rope_theta: 77 }, 5, "linear:2"],
    [{ rope_scaling: {}, ...rope({ rope_type: "linear", factor: 3 }) }, 1e4, "linear:3"],
    [{ rope_scaling: null, ...rope(llama3) }, 1e4, "llama3:8,1,4,16"],
    [{ rope_scaling: llama3, original_max_position_embeddings: 10 }, 1e4, "llama3:8,1,4,10"],
    [
      {
        rope_scaling: { ...llama3, original_max_position_embeddings: 8 },
        original_max_position_embeddings: 10,
      },
      1e4,
      "llama3:8,1,4,10",
    ],
  ];
  for (const [change, theta, scaling] of cases) {
    const folder = await copyOf(whole);
    changeJson(folder, "config.json", (json) => ({ ...json, ...change }));
    const { ropeTheta, ropeScaling } = (await loadGpt2(folder)).config;
    assertEquals([ropeTheta, ropeScaling], [theta, scaling], JSON.stringify(change));
  }
});

Deno.test("frequencies that older versions stored are ignored, per layer and once", async () => {
  const folder = await copyOf(whole), stored = { shape: [2], values: new Float32Array(2) };
  changeTensors(folder, "model.safetensors", (tensors) => ({
    ...tensors,
    "model.rotary_emb.inv_freq": stored,
    "model.layers.1.self_attn.rotary_emb.inv_freq": stored,
  }));
  assertEquals(await loadGpt2(folder), await loadGpt2(whole));
});

Deno.test("a saved config has a model_type, also if its source names only the class", async () => {
  const folder = await copyOf(whole), saved = join(root, "typed");
  changeJson(folder, "config.json", ({ model_type: _, ...rest }) => rest);
  await saveModel(folder, saved);
  assertEquals(readJson(join(saved, "config.json"))["model_type"], "llama");
});

Deno.test("each damaged file of a model is refused with a reason and a remedy, by every command's call", async () => {
  for (const [from, change, reason] of FILES) {
    const folder = await copyOf(from);
    change(folder);
    for (const [name, call] of Object.entries(CALLS)) {
      const error = await assertRejects(() => call(folder), UserError, undefined, `${name}: ${reason}`);
      assertSentence(error.message, reason);
    }
  }
  for (const name of ["saved", "trained", "swept"]) assert(!exists(join(root, name)), name);
});

Deno.test("the commands end with status 2 and one sentence, and start nothing", async () => {
  const folder = await copyOf(whole), out = join(root, "out"), spec = join(root, "spec.json");
  changeJson(folder, "config.json", (json) => ({ ...json, ...rope({ rope_type: "yarn", factor: 2 }) }));
  const sizes = { data, seq: [8], tokensPerStep: 16, vocab: ["char"], policy: ["float32"], steps: 2 };
  await Deno.writeTextFile(spec, JSON.stringify({ ...sizes, axes: { initFrom: ["none", folder] } }));
  const commands: [string, string[]][] = [
    ["evaluate", [folder, "--text", "abc"]],
    ["generate", [folder]],
    ["save-gpt2", [folder, out]],
    ["train", ["--data", data, "--init-from", folder, "--out", out, "--steps", "2"]],
    ["sweep", [spec, "--out", out]],
  ];
  for (const [task, args] of commands) {
    const { code, stdout, stderr } = await runTask(task, args);
    assertEquals([code, stdout], [2, ""], `${task}: ${stderr}`);
    assertSentence(stderr.trim(), "rope scaling yarn: supported are default, linear and llama3");
    assert(!exists(out), task);
  }
});

Deno.test("a model with a context of 2^31 - 1 tokens generates and evaluates", async () => {
  const folder = await copyOf(whole);
  changeJson(folder, "config.json", (json) => ({ ...json, max_position_embeddings: 2 ** 31 - 1 }));
  const generated = (folder: string) => generateTexts(folder, ["abc", "d"], { maxNewTokens: 5 });
  assertEquals(await generated(folder), await generated(whole));
  const evaluated = async (folder: string) => (await evaluateModel(folder, { text: "abc de" })).loss;
  assertEquals(await evaluated(folder), await evaluated(whole));
});

Deno.test("a missing parameter is named, with the parameters that exist", async () => {
  await useTensorFlow();
  const { "h.1.ln_2.weight": _, ...parameters } = toParameters(model.parameters);
  const error = await assertRejects(
    () => Promise.resolve().then(() => gptLogits(parameters, tf.zeros<tf.Rank.R2>([1, 3], "int32"), config)),
    RangeError,
  );
  assertSentence(
    error.message,
    "expected the parameter h.1.ln_2.weight, as its config says, got wte.weight, h.0.ln_1",
  );
});
