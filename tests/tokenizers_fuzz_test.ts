// @heavy
/**
 * Compares random `tokenizer.json` files of every kind with the Python package `tokenizers`. Files that losskit loads encode and
 * decode to the same ids and texts. `deno task soak` tests 10,000 files of each kind.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import {
  createRandom,
  type Tokenizer,
  tokenizerFromJSON,
  trainBpe,
  trainCharacterTokenizer,
} from "../lib/text/mod.ts";
import { libraryTokenizer } from "../lib/text/library_tokenizer.ts";
import { COUNT, seed } from "./support/fuzz.ts";
import { capture, pythonWith } from "./support/python.ts";
import {
  TOKENIZER_FILES,
  type TokenizerFile,
  withRandomModel,
  withRandomPart,
  WORDS,
} from "./support/tokenizer_files.ts";

const TEXTS = [
  WORDS,
  "",
  " ",
  "fox",
  "  two  foxes<s> , an odd\r\n x😀",
  "12$& a-b\n\n",
  "the new foxes",
  "𠀀漢İé́",
];

/** Python program that returns ids and texts of files, as one JSON per line; null for a refused file or text. */
const ENCODE = `
import json, sys
from tokenizers import Tokenizer
texts = json.loads(sys.argv[2])
for line in open(sys.argv[1], encoding="utf-8"):
    try:
        tokenizer = Tokenizer.from_str(line)
    except BaseException as error:
        print("null")
        continue
    tokenizer.no_truncation()
    tokenizer.no_padding()
    found = []
    for text in texts:
        try:
            ids = tokenizer.encode(text).ids
            found.append([ids, tokenizer.decode(ids, skip_special_tokens=False)])
        except BaseException as error:
            found.append(None)
    print(json.dumps(found))
`;

/** Returns a file without its vocabulary, for errors. */
function brief(json: string): string {
  const { model: { vocab: _vocab, ...model }, added_tokens, ...rest } = JSON.parse(json);
  return JSON.stringify({ ...rest, model, added_tokens: added_tokens.slice(4) });
}

/** Files of losskit's own tokenizers, too. */
const FILES: Readonly<Record<string, TokenizerFile>> = {
  ...TOKENIZER_FILES,
  "byte-level BPE": JSON.parse(JSON.stringify(trainBpe(TEXTS.join("\n").repeat(3), { vocabSize: 280 }))),
  characters: JSON.parse(JSON.stringify(trainCharacterTokenizer(TEXTS))),
};

/** Loads a file as `loadFolderTokenizer` does. */
function load(json: unknown): Tokenizer {
  try {
    return tokenizerFromJSON(json, { specialInText: true });
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    return libraryTokenizer(json);
  }
}

for (const [kind, base] of Object.entries(FILES)) {
  Deno.test(`${COUNT} random tokenizer.json of ${kind}: the ids and texts are those of Python's tokenizers`, async () => {
    const random = createRandom(seed, `tokenizers ${kind}`), folder = await Deno.makeTempDir();
    const files: { json: string; tokenizer: Tokenizer }[] = [];
    for (let i = 0; i < COUNT; i++) {
      let file = random.integer(3) > 0 ? withRandomPart(base, random) : base;
      file = random.integer(2) > 0 ? withRandomModel(file, random) : withRandomPart(file, random);
      const json = JSON.stringify(file);
      try {
        files.push({ json, tokenizer: load(JSON.parse(json)) });
      } catch (error) {
        assert(error instanceof TypeError, `seed ${seed}, file ${i}: ${error}`);
      }
    }
    try {
      const path = join(folder, "files.jsonl");
      await Deno.writeTextFile(path, files.map(({ json }) => json).join("\n"));
      const python = await pythonWith("transformers");
      const lines = (await capture(python, ["-I", "-c", ENCODE, path, JSON.stringify(TEXTS)])).trimEnd()
        .split("\n");
      assertEquals(lines.length, files.length);
      let same = 0;
      for (const [i, line] of lines.entries()) {
        const { json, tokenizer } = files[i]!;
        const want: ([number[], string] | null)[] | null = JSON.parse(line);
        for (const [j, text] of TEXTS.entries()) {
          const expected = want?.[j];
          if (expected == null) continue; // Python refuses it
          let ids: Int32Array;
          try {
            ids = tokenizer.encode(text);
          } catch (error) {
            assert(
              error instanceof RangeError && error.message.startsWith("Cannot encode text: "),
              `${error}\n${brief(json)}`,
            );
            continue;
          }
          const context = `seed ${seed}, ${JSON.stringify(text)}\n${brief(json)}`;
          assertEquals(Array.from(ids), expected[0], context);
          assertEquals(tokenizer.decode(ids), expected[1], context);
          same++;
        }
      }
      assert(same > COUNT, `seed ${seed}: only ${same} of ${COUNT * TEXTS.length} texts were compared`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
