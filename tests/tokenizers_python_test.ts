// @heavy
/**
 * Exchanges `tokenizer.json` files with the Python package `tokenizers`. The package loads losskit's files and returns the same
 * ids, and losskit loads tokenizers that the package trained.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import {
  createBpeTokenizer,
  createRandom,
  loadGpt2Tokenizer,
  type Tokenizer,
  tokenizerFromJSON,
  trainBpe,
  trainCharacterTokenizer,
} from "../lib/text/mod.ts";
import { randomProse, randomUnicode } from "../lib/text/_testing.ts";
import { capture, pythonWith } from "./support/python.ts";

/** Python program that returns ids and decoded texts for each tokenizer of a folder. */
const ENCODE = `
import json, os, sys
from tokenizers import Tokenizer
folder = sys.argv[1]
texts = json.load(open(os.path.join(folder, "texts.json"), encoding="utf-8"))
found = {}
for name in sorted(os.listdir(folder)):
    if not name.endswith(".tokenizer.json"):
        continue
    tokenizer = Tokenizer.from_file(os.path.join(folder, name))
    encoded = [tokenizer.encode(text).ids for text in texts]
    found[name.removesuffix(".tokenizer.json")] = {
        "vocabSize": tokenizer.get_vocab_size(),
        "ids": encoded,
        "texts": [tokenizer.decode(ids, skip_special_tokens=False) for ids in encoded],
    }
json.dump(found, open(os.path.join(folder, "found.json"), "w"))
`;

/** Python program that trains a byte-level tokenizer with the package. */
const TRAIN = `
import json, os, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
folder = sys.argv[1]
texts = json.load(open(os.path.join(folder, "texts.json"), encoding="utf-8"))
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
tokenizer.train_from_iterator(texts, trainer)
tokenizer.save(os.path.join(folder, "trained.tokenizer.json"))
`;

const random = createRandom(1, "tokenizers");
const TEXTS = [
  "",
  "The cat sat on the mat.",
  "I'll don't WE'RE 'tis o’er  it's\n\n\n  x \t y  \r\n",
  "1234567890 3.14159 ½ ² Ⅷ ٣",
  "\ufeffa\ufeff\u0085b\u00a0c\u2028 d\u3000e",
  "constructor __proto__ prototype",
  "x".repeat(200) + " ".repeat(200) + "日".repeat(200) + "-".repeat(200) + "7".repeat(200),
  randomProse(random, 2000),
  ...Array.from({ length: 100 }, () => randomUnicode(random, 60)),
];

Deno.test("Python's tokenizers and losskit load each other's tokenizer.json and return equal ids", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const tokenizers: Record<string, Tokenizer> = {
      character: trainCharacterTokenizer(TEXTS),
      byte: createBpeTokenizer([]),
      bpe: trainBpe(TEXTS.join("\n"), { vocabSize: 700 }),
      gpt2: await loadGpt2Tokenizer(),
    };
    await Deno.writeTextFile(join(folder, "texts.json"), JSON.stringify(TEXTS));
    for (const [name, tokenizer] of Object.entries(tokenizers)) {
      await Deno.writeTextFile(join(folder, `${name}.tokenizer.json`), JSON.stringify(tokenizer));
    }
    const python = await pythonWith("transformers");
    await capture(python, ["-I", "-c", TRAIN, folder]);
    await capture(python, ["-I", "-c", ENCODE, folder]);
    tokenizers["trained"] = tokenizerFromJSON(
      JSON.parse(await Deno.readTextFile(join(folder, "trained.tokenizer.json"))),
    );
    const found: Record<string, { vocabSize: number; ids: number[][]; texts: string[] }> = JSON.parse(
      await Deno.readTextFile(join(folder, "found.json")),
    );
    assertEquals(Object.keys(found).sort(), Object.keys(tokenizers).sort());
    for (const [name, tokenizer] of Object.entries(tokenizers)) {
      assertEquals(found[name]!.vocabSize, tokenizer.vocabSize, name);
      for (const [i, text] of TEXTS.entries()) {
        assertEquals(
          Array.from(tokenizer.encode(text)),
          found[name]!.ids[i],
          `${name}: ${JSON.stringify(text)}`,
        );
        assertEquals(found[name]!.texts[i], text, name);
      }
    }
    assert(tokenizers["trained"].vocabSize === 400);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
