/**
 * GPT-2 in Hugging Face's format: logits compared with PyTorch's for models that `fixtures/make_gpt2.py` saved with
 * transformers, written files, and refused files.
 */
import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type GptConfig,
  gptLogits,
  initialParameters,
  loadGpt2,
  type ParameterRecord,
  parameterShapes,
  saveGpt2,
  toParameters,
} from "../lib/model/mod.ts";
import { withHeader } from "../lib/model/_testing.ts";
import { createBpeTokenizer, loadGpt2Tokenizer, type Tokenizer } from "../lib/text/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import { inFolder } from "./support/in_folder.ts";
import { tokenLosses } from "../lib/train/mod.ts";

interface Expected {
  tokens: number[][];
  models: Record<"whole" | "sharded", { ownError: number; logits: number[][] }>;
}

const fixtures = new URL("./fixtures/", import.meta.url).pathname;
const whole = join(fixtures, "gpt2", "whole"), sharded = join(fixtures, "gpt2", "sharded");
const expected: Expected = JSON.parse(Deno.readTextFileSync(join(fixtures, "gpt2", "logits.json")));
await useTensorFlow();

const readTensors = (file: string) => decodeSafetensors(Deno.readFileSync(file), file).tensors;

/** Writes a folder of the model with other tensors or another config. */
async function changed(
  folder: string,
  change: { tensors?: (tensors: ParameterRecord) => ParameterRecord; config?: Record<string, unknown> },
): Promise<void> {
  const { tensors = (same) => same, config } = change;
  const found = readTensors(join(whole, "model.safetensors"));
  const bytes = encodeSafetensors({ tensors: tensors(found), metadata: { format: "pt" } });
  await Deno.writeFile(join(folder, "model.safetensors"), bytes);
  const json = JSON.parse(await Deno.readTextFile(join(whole, "config.json")));
  await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ ...json, ...config }));
}

/** Asserts that a folder is refused with all given messages. */
async function assertRefused(folder: string, messages: string[]): Promise<void> {
  const error = await assertRejects(() => loadGpt2(folder), UserError);
  for (const message of messages) assertStringIncludes(error.message, message);
}

for (const [name, folder] of [["whole", whole], ["sharded", sharded]] as const) {
  Deno.test(`logits of a GPT-2 saved by transformers equal PyTorch's (${name})`, async () => {
    const { config, parameters } = await loadGpt2(folder);
    const want = expected.models[name];
    const tokens = tf.tensor2d(expected.tokens, undefined, "int32");
    const got = gptLogits(toParameters(parameters), tokens, config).arraySync();
    assertEquals([got.length, got[0]!.length], [want.logits.length, want.logits[0]!.length]);
    const largest = Math.max(...want.logits.flat().map(Math.abs));
    // The tolerance relative to float64 is four times the error of PyTorch's float32, because sums run in another order.
    const bound = Math.max(1e-6 * largest, 4 * want.ownError);
    got.forEach((row, i) => row.forEach((v, j) => assertAlmostEquals(v, want.logits[i]![j]!, bound)));
    assert(largest > 1, "the model says nothing");
  });
}

Deno.test("loadGpt2() reads the config: sizes, activation, head, epsilon, dropout", async () => {
  const { config } = await loadGpt2(sharded);
  const wanted: GptConfig = {
    ...{ nLayer: 2, nHead: 3, nEmbd: 24, vocabSize: 61, blockSize: 16 },
    ...{ tiedHead: false, dropout: 0, initStd: 0.02, activation: "geluErf", layerNormEps: 1e-3 },
  };
  assertEquals(config, wanted);
  await inFolder(async (folder) => {
    await changed(folder, { config: { attn_pdrop: 0.1, resid_pdrop: 0.1, embd_pdrop: 0.1 } });
    assertEquals((await loadGpt2(folder)).config.dropout, 0.1);
    await changed(folder, { config: { attn_pdrop: 0.1 } });
    assertEquals((await loadGpt2(folder)).config.dropout, 0);
  });
});

Deno.test("loadGpt2() reads one file, an index, names without a prefix, old masks and a stored tied head", async () => {
  const want = await loadGpt2(whole);
  assertEquals(await loadGpt2(join(whole, "model.safetensors")), want);
  assertEquals(await loadGpt2(join(sharded, "model.safetensors.index.json")), await loadGpt2(sharded));
  assertEquals(Object.keys(want.parameters), Object.keys(parameterShapes(want.config)));
  await inFolder(async (folder) => {
    await changed(folder, {
      tensors: (tensors) => ({
        ...Object.fromEntries(
          Object.entries(tensors).map(([name, tensor]) => [name.replace("transformer.", ""), tensor]),
        ),
        "h.0.attn.bias": { shape: [1, 1, 16, 16], values: new Float32Array(256).fill(1) },
        "h.1.attn.masked_bias": { shape: [], values: Float32Array.of(-1e4) },
        "lm_head.weight": tensors["transformer.wte.weight"]!,
      }),
    });
    assertEquals(await loadGpt2(folder), want);
  });
});

Deno.test("loadGpt2() reads the reference's file, and its losses equal PyTorch's", async () => {
  await inFolder(async (folder) => {
    const reference = JSON.parse(await Deno.readTextFile(join(fixtures, "reference", "reference.json")));
    const { block_size: n_positions, ...sizes } = reference.config;
    await Deno.copyFile(
      join(fixtures, "reference", "weights.safetensors"),
      join(folder, "model.safetensors"),
    );
    await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ ...sizes, n_positions }));
    const { config, parameters } = await loadGpt2(folder);
    const [x, y] = [reference.inputs.x, reference.inputs.y].map((ids) =>
      tf.tensor2d(ids, undefined, "int32")
    );
    const losses = tokenLosses(toParameters(parameters), { x: x!, y: y! }, config).dataSync();
    (reference.float32.tokenLoss as number[]).forEach((want, i) =>
      assertAlmostEquals(losses[i]!, want, 1e-5)
    );
  });
});

Deno.test("saveGpt2() writes the tensors and the config that transformers wrote", async () => {
  await inFolder(async (folder) => {
    await saveGpt2(join(folder, "new", "model"), await loadGpt2(whole));
    const path = join(folder, "new", "model", "model.safetensors");
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path), path);
    const theirs = readTensors(join(whole, "model.safetensors"));
    assertEquals(Object.keys(tensors).sort(), Object.keys(theirs).sort());
    assertEquals(tensors, theirs);
    assertEquals(metadata, { format: "pt" });
    const json = JSON.parse(await Deno.readTextFile(join(folder, "new", "model", "config.json")));
    const { n_ctx, ...config } = json;
    const their = JSON.parse(await Deno.readTextFile(join(whole, "config.json")));
    for (const [name, value] of Object.entries(config)) assertEquals(value, their[name], name);
    assertEquals(n_ctx, their.n_positions);
    const names = [...Deno.readDirSync(join(folder, "new", "model"))].map(({ name }) => name).sort();
    assertEquals(names, ["SHA256SUMS", "config.json", "generation_config.json", "model.safetensors"]);
  });
});

Deno.test("loadGpt2() returns the model that saveGpt2() saved; missing biases become 0", async () => {
  await inFolder(async (folder) => {
    for (const source of [whole, sharded]) {
      const model = await loadGpt2(source);
      await saveGpt2(folder, model, { overwrite: true });
      assertEquals(await loadGpt2(folder), model);
    }
    const config: GptConfig = {
      ...{ nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 5, blockSize: 4 },
      ...{ bias: false, activation: "relu2", dropout: 0.2 },
    };
    const parameters = initialParameters(config, 1);
    await saveGpt2(folder, { config, parameters }, { overwrite: true });
    const loaded = await loadGpt2(folder);
    assertEquals(loaded.config.activation, "relu2");
    assertEquals(loaded.config.dropout, 0.2);
    for (const [name, { values }] of Object.entries(loaded.parameters)) {
      assertEquals(values, parameters[name]?.values ?? new Float32Array(values.length), name);
    }
  });
});

Deno.test("saveGpt2() that fails between two files leaves no valid model", async () => {
  await inFolder(async (folder) => {
    const model = await loadGpt2(whole);
    const other = { ...model, config: { ...model.config, layerNormEps: 0.01 } };
    const rename = Deno.renameSync;
    for (let failing = 1;; failing++) {
      await saveGpt2(folder, model, { overwrite: true });
      let renames = 0;
      Deno.renameSync = (from, to) => {
        if (++renames === failing) throw new Error("full");
        rename(from, to);
      };
      try {
        await saveGpt2(folder, other, { overwrite: true, maxShardBytes: 20_000 });
        break;
      } catch {
        await assertRejects(() => loadGpt2(folder), UserError, "config.json");
      } finally {
        Deno.renameSync = rename;
      }
    }
    assertEquals((await loadGpt2(folder)).config.layerNormEps, 0.01);
  });
});

Deno.test("saveGpt2() writes shards of limited size, in 16 bits on request, and removes old weights", async () => {
  await inFolder(async (folder) => {
    const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    const model = await loadGpt2(sharded);
    await saveGpt2(folder, model);
    assertEquals(names(), ["SHA256SUMS", "config.json", "generation_config.json", "model.safetensors"]);
    await Deno.writeTextFile(join(folder, "model_card.md"), "mine");
    for (
      const [dtype, maxShardBytes, files] of [["F32", 20_000, 4], ["BF16", 20_000, 2], [
        "F16",
        1,
        29,
      ]] as const
    ) {
      await saveGpt2(folder, model, { dtype, maxShardBytes, overwrite: true });
      const shards = names().filter((name) => name.endsWith(".safetensors"));
      assertEquals(shards.length, files);
      assertEquals(names().length, files + 5);
      assertEquals(shards[0], `model-00001-of-${String(files).padStart(5, "0")}.safetensors`);
      for (const shard of shards) {
        const tensors = Object.values(readTensors(join(folder, shard)));
        const bytes = tensors.reduce((sum, { values }) => sum + values.length * (dtype === "F32" ? 4 : 2), 0);
        assert(bytes <= maxShardBytes || tensors.length === 1, `${shard} has ${bytes} bytes`);
      }
      const found = await loadGpt2(folder);
      assertEquals(found.config, model.config);
      const bits = { F32: 24, F16: 11, BF16: 8 }[dtype];
      for (const [name, { shape, values }] of Object.entries(model.parameters)) {
        const got = found.parameters[name]!;
        assertEquals([got.shape, got.dtype ?? "F32"], [shape, dtype]);
        // Half a unit in the last place; the smallest step of float16 is 2^-24.
        values.forEach((v, i) =>
          assertAlmostEquals(got.values[i]!, v, Math.max(2 ** -bits * Math.abs(v), 2 ** -25))
        );
      }
      // Weights that were read in 16 bits are written in 16 bits.
      await saveGpt2(join(folder, "again"), found);
      assertEquals(await loadGpt2(join(folder, "again")), found);
      await Deno.remove(join(folder, "again"), { recursive: true });
    }
    await saveGpt2(folder, model, { overwrite: true });
    assertEquals(names(), [
      ...["SHA256SUMS", "config.json", "generation_config.json", "model.safetensors", "model_card.md"],
    ]);
    assertEquals(await loadGpt2(folder), model);
    await assertRejects(
      () => saveGpt2(folder, model, { maxShardBytes: 0 }),
      RangeError,
      "expected a number >= 1 for maxShardBytes",
    );
  });
});

Deno.test("saveGpt2() keeps existing files, unless `overwrite` is set", async () => {
  await inFolder(async (folder) => {
    const model = await loadGpt2(whole);
    const read = (name: string) => Deno.readTextFile(join(folder, name));
    for (
      const name of [
        ...["tokenizer.json", "tokenizer_config.json", "generation_config.json", "config.json"],
        ...["special_tokens_map.json", "vocab.json", "SHA256SUMS"],
      ]
    ) {
      await Deno.writeTextFile(join(folder, name), "mine");
      const options = { tokenizer: createBpeTokenizer([]) };
      const error = await assertRejects(() => saveGpt2(folder, model, options), UserError);
      assertStringIncludes(error.message, `expected none of the files to exist, got ${name}.`);
      assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), [name]);
      assertEquals(await read(name), "mine");
      await Deno.remove(join(folder, name));
    }
    assertEquals(await saveGpt2(folder, model), []);
    const again = saveGpt2(folder, await loadGpt2(sharded), { maxShardBytes: 20_000 });
    await assertRejects(() => again, UserError, "got SHA256SUMS, config.json, model.safetensors.");
    assertEquals(await loadGpt2(folder), model);
    assertEquals(await saveGpt2(folder, model, { overwrite: true }), ["SHA256SUMS", "model.safetensors"]);
    await Deno.writeTextFile(join(folder, "special_tokens_map.json"), '{"eos_token":"x"}');
    const replaced = await saveGpt2(folder, model, { tokenizer: createBpeTokenizer([]), overwrite: true });
    assertEquals(replaced, ["SHA256SUMS", "model.safetensors", "special_tokens_map.json"]);
    const left = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    assertEquals(left, [
      ...["SHA256SUMS", "config.json", "generation_config.json", "model.safetensors"],
      ...["tokenizer.json", "tokenizer_config.json"],
    ]);
  });
});

Deno.test("saveGpt2() with `overwrite` replaces the weights of its source and their type, and keeps everything else", async () => {
  await inFolder(async (folder) => {
    await changed(folder, { config: { task: "mine", resid_pdrop: 0.1, eos_token_id: 7, dtype: "float32" } });
    const files = {
      "tokenizer.json": '{ "my": "tokenizer" }',
      "special_tokens_map.json": "{}",
      "README.md": "",
      "generation_config.json": '{ "eos_token_id":7 }',
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
    const config = JSON.parse(await Deno.readTextFile(join(folder, "config.json")));
    const copy = join(folder, "copy");
    for (const to of [copy, folder]) {
      const model = await loadGpt2(folder), tokenizer = createBpeTokenizer([]);
      const options = { dtype: "BF16", tokenizer, source: folder } as const;
      if (to === folder) {
        const error = await assertRejects(() => saveGpt2(to, model, options), UserError);
        assertStringIncludes(error.message, "got config.json, model.safetensors. ");
        assertEquals(await loadGpt2(folder), model);
      }
      const replaced = await saveGpt2(to, model, { ...options, overwrite: to === folder });
      assertEquals(replaced, to === folder ? ["config.json", "model.safetensors"] : []);
      const saved = JSON.parse(await Deno.readTextFile(join(to, "config.json")));
      assertEquals(saved, { ...config, bos_token_id: null, dtype: "bfloat16" });
      for (const name of ["tokenizer.json", "special_tokens_map.json", "generation_config.json"] as const) {
        assertEquals(await Deno.readTextFile(join(to, name)), files[name]);
      }
      assertEquals(
        JSON.parse(await Deno.readTextFile(join(to, "tokenizer_config.json"))).tokenizer_class,
        "PreTrainedTokenizerFast",
      );
    }
    assertEquals(await Deno.readTextFile(join(folder, "README.md")), "");
  });
});

Deno.test("saveGpt2() writes an end-of-document id only if the tokenizer contains it", async () => {
  await inFolder(async (folder) => {
    const config: GptConfig = { nLayer: 1, nHead: 2, nEmbd: 2, vocabSize: 50257, blockSize: 4 };
    const model = { config, parameters: initialParameters(config, 1) };
    const ends = async (tokenizer: Tokenizer) => {
      await saveGpt2(folder, model, { tokenizer, overwrite: true });
      return await Promise.all(
        ["config.json", "generation_config.json"].map(async (name) =>
          JSON.parse(await Deno.readTextFile(join(folder, name))).eos_token_id
        ),
      );
    };
    assertEquals(await ends(await loadGpt2Tokenizer()), [50256, 50256]);
    assertEquals(
      await ends(createBpeTokenizer([])),
      [null, null],
      "50,257 tokens are not GPT-2's by their number",
    );
  });
});

Deno.test("loadGpt2() ignores stored causal masks of any type", async () => {
  await inFolder(async (folder) => {
    const bytes = await Deno.readFile(join(whole, "model.safetensors"));
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const end = bytes.length - 8 - length;
    header["transformer.h.0.attn.bias"] = {
      dtype: "BOOL",
      shape: [1, 1, 2, 2],
      data_offsets: [end, end + 4],
    };
    const file = withHeader(
      JSON.stringify(header),
      new Uint8Array([...bytes.subarray(8 + length), 1, 0, 1, 1]),
    );
    await Deno.writeFile(join(folder, "model.safetensors"), file);
    await Deno.copyFile(join(whole, "config.json"), join(folder, "config.json"));
    assertEquals(await loadGpt2(folder), await loadGpt2(whole));
  });
});

Deno.test("saveGpt2() refuses options that GPT-2 lacks, and parameters of another model", async () => {
  await inFolder(async (folder) => {
    const config: GptConfig = { nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 5, blockSize: 4 };
    const parameters = initialParameters(config, 1);
    const save = (other: Partial<GptConfig>, its: ParameterRecord = parameters) =>
      saveGpt2(join(folder, "none"), { config: { ...config, ...other }, parameters: its });
    await assertRejects(
      () => save({ qkNorm: true, logitSoftCap: 30, activation: "swiglu" }),
      RangeError,
      "got qkNorm, logitSoftCap, activation swiglu",
    );
    await assertRejects(() => save({ vocabSize: 6 }), RangeError, "expected wte.weight of shape [6,8]");
    await assertRejects(
      () => save({ nLayer: 2 }),
      RangeError,
      "expected h.1.ln_1.weight of shape [8], got none",
    );
    const extra = { ...parameters, other: { shape: [1], values: new Float32Array(1) } };
    await assertRejects(() => save({}, extra), RangeError, "got other too");
    assertEquals([...Deno.readDirSync(folder)], []);
    await Deno.writeTextFile(join(folder, "file"), "");
    await assertRejects(
      () => saveGpt2(join(folder, "file"), { config, parameters }),
      UserError,
      "Cannot save",
    );
  });
});

Deno.test("loadGpt2() lists every missing, extra and mis-shaped tensor", async () => {
  await inFolder(async (folder) => {
    await changed(folder, {
      tensors: ({ "transformer.h.0.ln_1.bias": _, "transformer.ln_f.weight": __, ...rest }) => ({
        ...rest,
        "transformer.h.1.mlp.c_fc.bias": { shape: [95], values: new Float32Array(95) },
        "transformer.h.2.ln_1.bias": { shape: [24], values: new Float32Array(24) },
        "wpe.weight": rest["transformer.wpe.weight"]!,
        "lm_head.weight": { shape: [61, 24], values: new Float32Array(61 * 24) },
      }),
    });
    await assertRefused(folder, [
      `Cannot load a GPT-2 from ${folder}:`,
      "h.0.ln_1.bias is missing, expected [24]",
      "ln_f.weight is missing, expected [24]",
      "h.1.mlp.c_fc.bias is [95], expected [96]",
      "h.2.ln_1.bias of [24] is not a parameter of this config",
      "wpe.weight occurs twice",
      "lm_head.weight differs from wte.weight",
    ]);
    await changed(folder, { config: { tie_word_embeddings: false } });
    await assertRefused(folder, ["lm_head.weight is missing, expected [61,24]"]);
  });
});

Deno.test("loadGpt2() refuses unsupported configs and names the field", async () => {
  await inFolder(async (folder) => {
    const cases: [Record<string, unknown>, string][] = [
      [{ model_type: "bert" }, 'expected model_type to be gpt2 or llama, got "bert"'],
      [{ n_head: 5 }, "expected nEmbd to be a multiple of nHead"],
      [{ n_embd: "24" }, "n_embd"],
      [{ n_inner: 7.5 }, "n_inner"],
      [{ activation_function: "mish" }, 'activation_function: unknown activation "mish"'],
      [{ scale_attn_weights: false }, "scale_attn_weights: attention without 1 / sqrt(D) is not supported"],
      [{ scale_attn_by_inverse_layer_idx: true }, "scaled by layer"],
      [{ add_cross_attention: true }, "cross attention"],
    ];
    for (const [config, message] of cases) {
      await changed(folder, { config });
      await assertRefused(folder, ["config.json", message]);
    }
    await changed(folder, { config: { n_inner: 7 } });
    await assertRefused(folder, ["h.0.mlp.c_fc.weight is [24,96], expected [24,7]"]);
    await changed(folder, { config: { n_inner: 96 } });
    assertEquals((await loadGpt2(folder)).config.nEmbd, 24);
  });
});

Deno.test("loadGpt2() names a missing or damaged file", async () => {
  await inFolder(async (folder) => {
    await assertRefused(join(folder, "none"), ["config.json, but it does not exist"]);
    await Deno.copyFile(join(whole, "config.json"), join(folder, "config.json"));
    await assertRefused(folder, ["expected model.safetensors or model.safetensors.index.json, got neither"]);
    const index = join(folder, "model.safetensors.index.json");
    for (const text of ["{}", '{"weight_map":{}}', '{"weight_map":{"a":"../a"}}', '{"weight_map":{"a":1}}']) {
      await Deno.writeTextFile(index, text);
      await assertRefused(folder, [
        "expected a weight_map from tensors to names of files in the same folder",
      ]);
    }
    await Deno.writeTextFile(index, '{"weight_map":{"a":"gone.safetensors"}}');
    await assertRefused(folder, ["gone.safetensors: it does not exist"]);
    await Deno.writeTextFile(join(folder, "config.json"), "{");
    await assertRefused(folder, ["config.json: it is not JSON"]);
    await changed(folder, {});
    await Deno.truncate(join(folder, "model.safetensors"), 5000);
    await assertRefused(folder, ["model.safetensors"]);
  });
});
