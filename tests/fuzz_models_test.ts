/**
 * Damaged files of Hugging Face's folders, and damaged checkpoints: each is refused with one sentence, or read as what its
 * text says. In `deno task soak` there are 10,000 of each.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { parseJson } from "../lib/file/json.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type GptConfig,
  initialParameters,
  loadGpt2,
  parameterShapes,
  saveGpt2,
} from "../lib/model/mod.ts";
import { mutated as mutatedSafetensors } from "../lib/model/_testing.ts";
import { libraryTokenizer } from "../lib/text/library_tokenizer.ts";
import { createRandom, loadFolderTokenizer, type Random, trainBpe } from "../lib/text/mod.ts";
import { checkpointProgress, checkpointWeights } from "../lib/train/mod.ts";
import { COUNT, fuzz, mutateText, seed } from "./support/fuzz.ts";
import { mutateBytes } from "./support/mutate.ts";
import { TOKENIZER_FILES, withRandomModel, withRandomPart, WORDS } from "./support/tokenizer_files.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const CONFIG: GptConfig = { nLayer: 1, nHead: 1, nEmbd: 2, blockSize: 4, vocabSize: 5 };

/** A small model's folder. With `shards`, in several files. */
async function modelFolder(name: string, shards = false): Promise<string> {
  const folder = join(root, name);
  const model = { config: CONFIG, parameters: initialParameters(CONFIG, 1) };
  await saveGpt2(folder, model, shards ? { maxShardBytes: 100 } : {});
  await Deno.remove(join(folder, "SHA256SUMS")); // folders of other programs have none
  return folder;
}

/** The fields of a `config.json` that its text states, or the defaults of transformers, by losskit's names. */
function statedConfig(bytes: Uint8Array): Record<string, number> {
  const json = JSON.parse(new TextDecoder().decode(bytes));
  const { n_layer = 12, n_head = 12, n_embd = 768, n_positions = 1024, vocab_size = 50257 } = json;
  return { nLayer: n_layer, nHead: n_head, nEmbd: n_embd, blockSize: n_positions, vocabSize: vocab_size };
}

Deno.test(`${COUNT} damaged config.json of a folder are refused, or have the sizes that they state`, async () => {
  const random = createRandom(seed, "config.json"), folder = await modelFolder("config");
  const path = join(folder, "config.json"), text = Deno.readTextFileSync(path);
  const { refused, taken } = await fuzz("config.json", async () => {
    const bytes = mutateText(text, random);
    Deno.writeFileSync(path, bytes);
    const { config } = await loadGpt2(folder);
    const { nLayer, nHead, nEmbd, blockSize, vocabSize } = config;
    assertEquals<Record<string, number>>({ nLayer, nHead, nEmbd, blockSize, vocabSize }, statedConfig(bytes));
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});

/** A safetensors file read by the letter of the format, without any check. */
function plainTensors(file: Uint8Array): Record<string, number[]> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header: Record<string, { dtype: string; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length)),
  );
  return Object.fromEntries(
    Object.entries(header).filter(([name]) => name !== "__metadata__").map(
      ([name, { dtype, data_offsets }]) => {
        const [begin, end] = data_offsets, bytes = file.slice(8 + length + begin, 8 + length + end);
        if (dtype === "F32") return [name, Array.from(new Float32Array(bytes.buffer))];
        const halves = Array.from(new Uint16Array(bytes.buffer));
        if (dtype === "F16") return [name, Array.from(new Float16Array(bytes.buffer))];
        return [name, Array.from(new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer))];
      },
    ),
  );
}

/** The same tensors without losskit's checksum, as other programs write them. */
function withoutChecksum(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder("latin1").decode(file).replace("losskit.sha256", "a checksum no.");
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

Deno.test(`${COUNT} damaged safetensors files without a checksum are refused, or read by the letter`, async () => {
  const random = createRandom(seed, "plain safetensors");
  const whole = withoutChecksum(encodeSafetensors({
    tensors: {
      a: { shape: [2, 2], values: Float32Array.of(1, -2, 3, 4) },
      b: { shape: [3], values: Float32Array.of(5, 6, 7), dtype: "F16" },
      c: { shape: [], values: Float32Array.of(8), dtype: "BF16" },
    },
    metadata: { format: "pt" },
  }));
  const { refused, taken } = await fuzz("plain safetensors", () => {
    const bytes = random.integer(2) === 0
      ? mutatedSafetensors(whole, random)
      : new Uint8Array(mutateBytes(whole, random));
    const { tensors } = decodeSafetensors(bytes, "plain.safetensors");
    const got = Object.fromEntries(
      Object.entries(tensors).map(([name, { values }]) => [name, Array.from(values)]),
    );
    assertEquals(got, plainTensors(bytes));
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});

Deno.test(`${COUNT} damaged indexes of shards are refused, or lead to the model's tensors`, async () => {
  const random = createRandom(seed, "index"), folder = await modelFolder("index", true);
  const path = join(folder, "model.safetensors.index.json"), text = Deno.readTextFileSync(path);
  const want = (await loadGpt2(folder)).parameters;
  const places = new Map(Object.entries(JSON.parse(text).weight_map));
  const { refused, taken } = await fuzz("index", async () => {
    const bytes = mutateText(text, random);
    Deno.writeFileSync(path, bytes);
    assertEquals((await loadGpt2(folder)).parameters, want);
    const { weight_map } = JSON.parse(new TextDecoder().decode(bytes));
    for (const [name, file] of Object.entries(weight_map)) assertEquals(file, places.get(name), name);
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});

Deno.test(`${COUNT} damaged shards are refused, or hold the model's tensors`, async () => {
  const random = createRandom(seed, "shards"), folder = await modelFolder("shards", true);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
    /of-\d+\.safet/.test(name)
  );
  const want = (await loadGpt2(folder)).parameters;
  const { refused } = await fuzz("shards", async () => {
    const path = join(folder, names[random.integer(names.length)]!), whole = Deno.readFileSync(path);
    Deno.writeFileSync(path, mutateBytes(whole, random));
    try {
      assertEquals((await loadGpt2(folder)).parameters, want);
    } finally {
      Deno.writeFileSync(path, whole);
    }
  });
  assert(refused > COUNT / 2);
});

/** A file of one kind of tokenizer with damage: another part, another field of the model, a changed value or bytes. */
function damagedTokenizer(kind: string, random: Random): Uint8Array {
  const base = TOKENIZER_FILES[kind]!;
  const changed = [
    () => withRandomPart(base, random),
    () => withRandomModel(withRandomPart(base, random), random),
    () => withRandomModel(base, random),
    () => base,
  ][random.integer(4)]!();
  const text = JSON.stringify(changed);
  return changed === base || random.integer(3) === 0
    ? mutateText(text, random)
    : new TextEncoder().encode(text);
}

for (const kind of Object.keys(TOKENIZER_FILES)) {
  Deno.test(`${COUNT} damaged tokenizer.json (${kind}, by the package) are refused, or make a tokenizer that works`, async () => {
    const random = createRandom(seed, `library ${kind}`);
    const { refused, taken } = await fuzz(`tokenizer.json (${kind})`, () => {
      const tokenizer = libraryTokenizer(parseJson(damagedTokenizer(kind, random), { anyKey: true }));
      assertEquals(tokenizer.byteLengths.length, tokenizer.vocabSize);
      for (const text of [WORDS, "", "漢字\u0000 😀"]) {
        const ids = tokenizer.encode(text);
        assert(ids.every((id) => id >= 0 && id < tokenizer.vocabSize));
        assertEquals(typeof tokenizer.decode(ids), "string");
      }
    }, [TypeError, RangeError, SyntaxError]);
    assert(refused > 0 && taken > COUNT / 20, `refused ${refused}, taken ${taken}`);
  });
}

/** Ids of one piece of text by the merges of a file, the earliest merge first. */
function mergedIds(
  piece: string,
  { vocab, merges }: { vocab: Record<string, number>; merges: string[] },
): number[] {
  const parts = Array.from(piece);
  for (;;) {
    const ranks = parts.slice(1).map((part, i) => merges.indexOf(`${parts[i]} ${part}`));
    const found = ranks.filter((rank) => rank >= 0);
    if (found.length === 0) return parts.map((part) => vocab[part]!);
    const at = ranks.indexOf(Math.min(...found));
    parts.splice(at, 2, parts[at]! + parts[at + 1]!);
  }
}

Deno.test(`${COUNT} damaged folders of vocab.json and merges.txt are refused, or encode as the files say`, async () => {
  const random = createRandom(seed, "vocab.json"), folder = join(root, "vocab");
  Deno.mkdirSync(folder);
  const { model } = JSON.parse(
    JSON.stringify(trainBpe("the cat sat on the mat. ".repeat(9), { vocabSize: 262 })),
  );
  const own = ["<|endoftext|>", "[PAD]"];
  const files: Record<string, string> = {
    "vocab.json": JSON.stringify({ ...model.vocab, [own[0]!]: 262 }),
    "merges.txt": ["#version: 0.2", ...model.merges.map((pair: string[]) => pair.join(" ")), ""].join("\n"),
    "added_tokens.json": JSON.stringify({ [own[1]!]: 263 }),
    "special_tokens_map.json": JSON.stringify({ eos_token: own[0], pad_token: { content: own[1] } }),
    "tokenizer_config.json": JSON.stringify({
      ...{ add_prefix_space: false, split_special_tokens: false, tokenizer_class: "GPT2Tokenizer" },
      added_tokens_decoder: { 262: { content: own[0], special: true }, 263: { content: own[1] } },
    }),
  };
  const write = (name: string, content: string | Uint8Array) =>
    Deno.writeFileSync(
      join(folder, name),
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  for (const [name, content] of Object.entries(files)) write(name, content);
  const { refused, taken } = await fuzz("vocab.json and others", async () => {
    const name = Object.keys(files)[random.integer(5)]!, content = files[name]!;
    const bytes = name.endsWith(".txt")
      ? mutateBytes(new TextEncoder().encode(content), random)
      : mutateText(content, random);
    write(name, bytes);
    try {
      const { tokenizer, note } = await loadFolderTokenizer(folder, { V: 1 << 24 });
      if (note !== undefined) return; // by the package, which the tests above cover
      const text = (file: string) => Deno.readTextFileSync(join(folder, file));
      const vocab = JSON.parse(text("vocab.json"));
      const merges = text("merges.txt").split(/\r?\n/).filter((line) =>
        line !== "" && !line.startsWith("#version")
      );
      for (const word of ["the", "cat", "sat", "zq"]) {
        assertEquals(Array.from(tokenizer.encode(word)), mergedIds(word, { vocab, merges }), word);
        assertEquals(tokenizer.decode(tokenizer.encode(word)), word);
      }
      for (const [token, id] of Object.entries<number>(vocab).slice(0, 50)) {
        if (/^[ -~]+$/.test(token)) assertEquals(tokenizer.decode([id]), token);
      }
    } finally {
      write(name, content);
    }
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});

Deno.test(`${COUNT} damaged checkpoints are refused, or hold the weights and the progress that were saved`, async () => {
  const random = createRandom(seed, "checkpoints");
  const tensors = initialParameters(CONFIG, 1);
  const cursor = { algorithm: "xoshiro128**", words: [1, 2, 3, 4], spareNormal: null };
  const whole = encodeSafetensors({
    tensors,
    metadata: { format: "losskit-checkpoint/1", step: "7", random: JSON.stringify(cursor) },
  });
  const plain = withoutChecksum(whole); // so that the damage reaches the fields
  const expected = { name: "checkpoint.safetensors", model: CONFIG };
  const { refused } = await fuzz("checkpoints", () => {
    const isPlain = random.integer(2) === 0;
    const bytes = isPlain ? mutatedSafetensors(plain, random) : new Uint8Array(mutateBytes(whole, random));
    const progress = checkpointProgress(bytes, "checkpoint.safetensors");
    const weights = checkpointWeights(bytes, expected);
    for (const [name, shape] of Object.entries(parameterShapes(CONFIG))) {
      assertEquals(weights[name]!.shape, [...shape]);
    }
    assert(Number.isSafeInteger(progress.step) && progress.step >= 0);
    if (isPlain) return;
    assertEquals<unknown>([progress.step, progress.cursor], [7, cursor]);
    assertEquals(weights, tensors);
  });
  assert(refused > COUNT / 2);
});
