// @heavy
/**
 * Folders of `saveGpt2`, loaded with the calls that users of transformers make: `AutoTokenizer.from_pretrained`, the
 * configs and, if LOSSKIT_TORCH_PYTHON names a Python with torch, `AutoModelForCausalLM.from_pretrained`. Also tokenizers
 * trained by Hugging Face's library, read from their folders.
 */
import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { type GptConfig, gptLogits, initialParameters, saveGpt2, toParameters } from "../lib/model/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import {
  createBpeTokenizer,
  loadFolderTokenizer,
  loadGpt2Tokenizer,
  type Tokenizer,
  trainBpe,
  trainCharacterTokenizer,
} from "../lib/text/mod.ts";
import { capture, pythonWith } from "./support/python.ts";

const TORCH_PYTHON = Deno.env.get("LOSSKIT_TORCH_PYTHON");
const OFFLINE = { HF_HUB_OFFLINE: "1" };

const TEXTS = [
  "the fox\nand dog",
  "  two  spaces , a comma .\r\n\tit's n't\n\n",
  "naïve café — ‘quotes’ 日本語 😀\u0000\ufeff\u00a0",
  "naïve café — ‘quotes’ 日本語 😀",
  "<|endoftext|>a<|endoftext|>",
  "constructor __proto__ 123",
];
const ALL = TEXTS.join("");

/** Python program that returns ids and texts of AutoTokenizer, and fields of the configs. */
const ASK = `
import json, sys
from transformers import AutoConfig, AutoTokenizer, GenerationConfig
found = {}
for folder in sys.argv[2:]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.save_pretrained(folder + "-again")
    ids = [tokenizer(text)["input_ids"] for text in json.loads(sys.argv[1])]
    found[folder] = {
        "ids": ids,
        "texts": [tokenizer.decode(one) for one in ids],
        "eos": tokenizer.eos_token_id,
        "size": len(tokenizer),
        "modelEos": AutoConfig.from_pretrained(folder).eos_token_id,
        "generationEos": GenerationConfig.from_pretrained(folder).eos_token_id,
    }
print(json.dumps(found))
`;

const LOGITS = `
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer, model = (kind.from_pretrained(sys.argv[1]) for kind in (AutoTokenizer, AutoModelForCausalLM))
ids = tokenizer(sys.argv[2], return_tensors="pt")["input_ids"]
with torch.no_grad():
    print(json.dumps({"ids": ids[0].tolist(), "logits": model.float()(ids).logits[0].flatten().tolist()}))
`;

/** Python program that computes the logits of transformers' GPT2LMHeadModel with numpy, without torch. */
const NUMPY_LOGITS = `
import json, os, sys
import numpy as np
from safetensors.numpy import load_file
from transformers import AutoConfig, AutoTokenizer
folder, text = sys.argv[1:]
config, tokenizer = AutoConfig.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
w = {name.removeprefix("transformer."): value.astype(np.float64) for name, value in load_file(os.path.join(folder, "model.safetensors")).items()}
ids = tokenizer(text)["input_ids"]
def linear(x, name):
    return x @ w[name + ".weight"] + w[name + ".bias"]
def norm(x, name):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + config.layer_norm_epsilon) * w[name + ".weight"] + w[name + ".bias"]
def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)
def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
assert config.activation_function == "gelu_new" and config.tie_word_embeddings
T, H = len(ids), config.n_head
x = w["wte.weight"][ids] + w["wpe.weight"][:T]
for i in range(config.n_layer):
    h = f"h.{i}."
    q, k, v = (part.reshape(T, H, -1).transpose(1, 0, 2) for part in np.split(linear(norm(x, h + "ln_1"), h + "attn.c_attn"), 3, -1))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    scores = np.where(np.tril(np.ones((T, T), bool)), scores, -np.inf)
    x = x + linear((softmax(scores) @ v).transpose(1, 0, 2).reshape(T, -1), h + "attn.c_proj")
    x = x + linear(gelu(linear(norm(x, h + "ln_2"), h + "mlp.c_fc")), h + "mlp.c_proj")
print(json.dumps({"ids": ids, "logits": (norm(x, "ln_f") @ w["wte.weight"].T).flatten().tolist()}))
`;

/** Python program that trains tokenizers of several kinds with the library, and returns ids and texts, also of random ids. */
const TRAIN = `
import json, os, random, sys
random.seed(1)
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
folder, texts = sys.argv[1], json.loads(sys.argv[2])
corpus = texts + ["the quick brown fox jumps over the lazy dog " * 20]
special = ["<unk>", "<s>", "</s>"]
def save(name, tokenizer):
    os.makedirs(os.path.join(folder, name))
    tokenizer.save(os.path.join(folder, name, "tokenizer.json"))
    ids = [tokenizer.encode(text).ids for text in texts]
    size = max(tokenizer.get_vocab().values()) + 1
    ids += [random.choices(range(size), k=1 + i % 12) for i in range(200)]
    return {"ids": ids, "texts": [tokenizer.decode(one, skip_special_tokens=False) for one in ids], "size": size}
found = {}
bytes_first = Tokenizer(models.BPE())
bytes_first.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytes_first.decoder = decoders.ByteLevel()
bytes_first.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
found["special_first"] = save("special_first", bytes_first)
bytes_first.add_tokens(["fox"])
bytes_first.add_special_tokens(["[PAD]"])
found["added"] = save("added", bytes_first)
bytes_first.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])
found["normalizer"] = save("normalizer", bytes_first)
prefix = Tokenizer.from_str(bytes_first.to_str())
prefix.normalizer = None
prefix.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
found["prefix_space"] = save("prefix_space", prefix)
prefix.post_processor = processors.TemplateProcessing(single="[PAD] $A", special_tokens=[("[PAD]", prefix.token_to_id("[PAD]"))])
found["template"] = save("template", prefix)
wordpiece = Tokenizer(models.WordPiece(unk_token="<unk>"))
wordpiece.normalizer = normalizers.BertNormalizer()
wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
wordpiece.decoder = decoders.WordPiece(cleanup=False)
wordpiece.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False))
found["wordpiece"] = save("wordpiece", wordpiece)
unigram = Tokenizer(models.Unigram())
unigram.normalizer = normalizers.NFKC()
unigram.pre_tokenizer = pre_tokenizers.Metaspace()
unigram.decoder = decoders.Metaspace()
unigram.train_from_iterator(corpus, trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False))
found["unigram"] = save("unigram", unigram)
fallback = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
fallback.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
fallback.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
fallback.train_from_iterator(["the quick brown fox jumps over the lazy dog " * 20], trainers.BpeTrainer(vocab_size=400,
    special_tokens=special + ["<0x%02X>" % i for i in range(256)], show_progress=False))
found["byte_fallback"] = save("byte_fallback", fallback)
words = Tokenizer(models.WordLevel(unk_token="<unk>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
words.train_from_iterator(corpus, trainers.WordLevelTrainer(special_tokens=special, show_progress=False))
found["words"] = save("words", words)
print(json.dumps(found))
`;

const config = (vocabSize: number): GptConfig => ({
  ...{ nLayer: 1, nHead: 2, nEmbd: 8, blockSize: 128, initStd: 0.3, vocabSize },
});

/** Runs `work` with a folder that contains a model for each tokenizer. */
async function withSaved(
  work: (folder: string, tokenizers: Record<string, Tokenizer>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const tokenizers = {
    character: trainCharacterTokenizer(ALL),
    byte: createBpeTokenizer([]),
    bpe: trainBpe(ALL.repeat(3), { vocabSize: 290 }),
    gpt2: await loadGpt2Tokenizer(),
  };
  try {
    for (const [name, tokenizer] of Object.entries(tokenizers)) {
      const its = config(tokenizer.vocabSize);
      const model = { config: its, parameters: initialParameters(its, 1) };
      await saveGpt2(join(folder, name), model, { tokenizer });
    }
    await work(folder, tokenizers);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("AutoTokenizer returns the ids and texts of every saved tokenizer, saves it for losskit, and has no eos id outside of the vocabulary", async () => {
  const python = await pythonWith("transformers");
  await withSaved(async (folder, tokenizers) => {
    const folders = Object.keys(tokenizers).map((name) => join(folder, name));
    const found = JSON.parse(
      await capture(python, ["-I", "-c", ASK, JSON.stringify(TEXTS), ...folders], OFFLINE),
    );
    for (const [name, tokenizer] of Object.entries(tokenizers)) {
      const { ids, texts, size, eos, modelEos, generationEos } = found[join(folder, name)];
      for (const [i, text] of TEXTS.entries()) {
        assertEquals(ids[i], Array.from(tokenizer.encode(text)), `${name}: ${JSON.stringify(text)}`);
        assertEquals(texts[i], text, name);
      }
      const want = name === "gpt2" ? 50256 : null;
      assertEquals([size, eos, modelEos, generationEos], [tokenizer.vocabSize, want, want, want], name);
      for (const saved of [name, `${name}-again`]) {
        const { tokenizer: again, note } = await loadFolderTokenizer(join(folder, saved), {
          V: tokenizer.vocabSize,
        });
        assertEquals(note, undefined, saved);
        for (const text of TEXTS) assertEquals(again.encode(text), tokenizer.encode(text), saved);
      }
    }
  });
});

/** Compares the logits of every saved model with those that a Python program computes from its folder. */
async function compareLogits(python: string, program: string): Promise<void> {
  await useTensorFlow();
  await withSaved(async (folder, tokenizers) => {
    for (const [name, tokenizer] of Object.entries(tokenizers)) {
      const { ids, logits } = JSON.parse(
        await capture(python, ["-I", "-c", program, join(folder, name), TEXTS[1]!], OFFLINE),
      );
      assertEquals(ids, Array.from(tokenizer.encode(TEXTS[1]!)));
      const its = config(tokenizer.vocabSize), parameters = toParameters(initialParameters(its, 1));
      const got = gptLogits(parameters, tf.tensor2d([ids], undefined, "int32"), its).dataSync();
      const largest = logits.reduce((most: number, x: number) => Math.max(most, Math.abs(x)), 0);
      assert(largest > 0.5, "all logits are near 0");
      // Sums of 8 to 32 products in float32 have another order.
      logits.forEach((want: number, i: number) => assertAlmostEquals(got[i]!, want, 1e-5 * largest, name));
    }
  });
}

Deno.test("numpy computes the logits of every saved model from transformers' names and config", async () => {
  await compareLogits(await pythonWith("transformers"), NUMPY_LOGITS);
});

Deno.test({
  name: "AutoModelForCausalLM returns the logits of every saved model",
  // transformers requires torch for models. PyPI's wheel of torch 2.15 has 539 MB and requires CUDA's packages.
  ignore: TORCH_PYTHON === undefined,
  fn: () => compareLogits(TORCH_PYTHON!, LOGITS),
});

Deno.test("every kind of Hugging Face tokenizer returns equal ids and texts", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const python = await pythonWith("transformers");
    const found = JSON.parse(await capture(python, ["-I", "-c", TRAIN, folder, JSON.stringify(TEXTS)]));
    for (const [name, want] of Object.entries<{ ids: number[][]; texts: string[]; size: number }>(found)) {
      const { tokenizer, note } = await loadFolderTokenizer(join(folder, name), { V: want.size });
      assertEquals(tokenizer.vocabSize, want.size, name);
      assertEquals(note === undefined, ["special_first", "added"].includes(name), `${name}: ${note}`);
      for (const [i, ids] of want.ids.entries()) {
        assertEquals(tokenizer.decode(ids), want.texts[i], `${name}: ${ids}`);
      }
      for (const [i, text] of TEXTS.entries()) {
        if (note !== undefined && text.includes("\ufeff")) {
          assertThrows(() => tokenizer.encode(text), RangeError, "got U+FEFF at index");
          continue;
        }
        const ids = tokenizer.encode(text);
        assertEquals(Array.from(ids), want.ids[i], `${name}: ${JSON.stringify(text)}`);
        const bytes = ids.reduce((sum, id) => sum + tokenizer.byteLengths[id]!, 0);
        const own = new TextEncoder().encode(want.texts[i]).length;
        // Decoders may drop the first token's space.
        assert(Math.abs(bytes - own) <= 1, `${name}: ${bytes} bytes by token, ${own} in the text`);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
