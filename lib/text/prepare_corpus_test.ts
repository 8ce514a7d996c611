import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { randomProse, randomUnicode } from "./_testing.ts";
import { textPieces } from "./_text_stream.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { type Corpus, corpusFromBytes, corpusText, joinCorpora } from "./corpus.ts";
import { prepareCorpus, type PreparedCorpus, requireSequenceLength } from "./prepare_corpus.ts";
import { createRandom } from "./random.ts";
import type { TokenizerName } from "./tokenizer_name.ts";
import type { Tokens } from "./tokens.ts";

function corpusOf(...texts: string[]): Corpus {
  return joinCorpora(
    texts.map((text) => corpusFromBytes(new TextEncoder().encode(text), { name: "own" })),
    { name: "own" },
  );
}

function all(tokens: Tokens): Int32Array {
  return tokens.subarray(0, tokens.length);
}

/** Compares ids. assertEquals() takes seconds for a million. */
function sameIds(tokens: Tokens, wanted: Int32Array): boolean {
  return tokens.length === wanted.length && all(tokens).every((id, i) => id === wanted[i]);
}

/** Returns the training and the validation split as text. */
function textsOf({ tokenizer, train, validation }: PreparedCorpus): [string, string] {
  return [tokenizer.decode(all(train)), tokenizer.decode(all(validation))];
}

const KINDS = ["character", "byte", "gpt2", "bpe:400"] as const;

Deno.test("prepareCorpus() returns both parts as tokens with their sizes in bytes", async () => {
  const text = randomProse(createRandom(1, "prepare"), 3000);
  const utf8 = (text: string) => new TextEncoder().encode(text).length;
  for (const name of KINDS) {
    const prepared = await prepareCorpus(corpusOf(text), { tokenizer: name });
    assertEquals(prepared.tokenizer.name, name);
    const [train, validation] = textsOf(prepared);
    assertEquals(train + validation, text);
    assertEquals([prepared.trainBytes, prepared.validationBytes], [utf8(train), utf8(validation)]);
    assert(Math.abs(prepared.validationBytes - utf8(text) / 10) < 2);
    assert(prepared.validationBytes > validation.length); // the text has accents
    for (const part of [prepared.train, prepared.validation]) {
      assertEquals(all(part), prepared.tokenizer.encode(prepared.tokenizer.decode(all(part))));
    }
  }
});

Deno.test("prepareCorpus() learns merges from the training split only, and the alphabet from the whole text", async () => {
  // The second half has its own letters, and more frequent pairs than the first half.
  const corpus = corpusOf("to be or not to be. ".repeat(50) + "ZY".repeat(500));
  const { tokenizer } = await prepareCorpus(corpus, { tokenizer: "bpe:260", validationFraction: 0.5 });
  const train = trainBpe("to be or not to be. ".repeat(50), { vocabSize: 260 });
  assertEquals(tokenizer.toJSON(), train.toJSON());
  assertNotEquals(tokenizer.toJSON(), trainBpe(corpusText(corpus), { vocabSize: 260 }).toJSON());
  const characters = await prepareCorpus(corpus, { tokenizer: "character", validationFraction: 0.5 });
  assertEquals(textsOf(characters)[1], "ZY".repeat(500));
});

Deno.test("prepareCorpus() accepts another validation share", async () => {
  const corpus = corpusOf("abcdefghij".repeat(10));
  const prepared = await prepareCorpus(corpus, { tokenizer: "character", validationFraction: 0.25 });
  assertEquals([prepared.train.length, prepared.validation.length], [75, 25]);
});

Deno.test("prepareCorpus() keeps separate documents separate, and splits them at a separator", async () => {
  const corpus = corpusOf("ab|c|", "|defghij", "klmnopq|rs|tuvwxyz12");
  for (const tokenizer of ["character", "byte", "gpt2"] as const) {
    const documents = async (options: { separator?: string }) => {
      const prepared = await prepareCorpus(corpus, { tokenizer, documents: "separate", ...options });
      return [prepared.train, prepared.validation].map((tokens) => {
        const starts = [...tokens.documentStarts!, tokens.length];
        return starts.slice(1).map((end, i) => prepared.tokenizer.decode(tokens.subarray(starts[i]!, end)));
      });
    };
    assertEquals(await documents({}), [["ab|c|", "|defghij", "klmnopq|rs|tuvwxy"], ["z12"]]);
    assertEquals(await documents({ separator: "|" }), [
      ["ab|", "c|", "|", "defghij", "klmnopq|", "rs|", "tuvwxy"],
      ["z12"],
    ]);
  }
  const joined = await prepareCorpus(corpus, { tokenizer: "character" });
  assertEquals([joined.train.documentStarts, joined.validation.documentStarts], [undefined, undefined]);
  await assertRejects(
    () => prepareCorpus(corpus, { tokenizer: "character", separator: "|" }),
    UserError,
    'expected documents "separate" with a separator, got "join"',
  );
});

/** Returns texts of more than two blocks: prose, all of Unicode, one run of letters, and separators across blocks. */
function longTexts(): Record<string, string> {
  const random = createRandom(7, "long");
  const size = 1.2 * 2 ** 20;
  const fill = (one: () => string) => {
    let text = "";
    while (text.length < size) text += one();
    return text;
  };
  const prose = randomProse(random, 50_000);
  return {
    prose: fill(() => prose),
    unicode: fill(() => randomUnicode(random, 5000).replaceAll("\0", "0")),
    letters: "日".repeat(size / 2) + "x".repeat(size),
    spaces: " ".repeat(size) + "end  of\n\nit" + "\n".repeat(1000),
  };
}

Deno.test("prepareCorpus() encodes a text in blocks to the same tokens as the whole text", async () => {
  for (const [kind, text] of Object.entries(longTexts())) {
    for (const tokenizer of ["character", "byte", "bpe:262"] as const) {
      const prepared = await prepareCorpus(corpusOf(text), { tokenizer });
      const [train, validation] = textsOf(prepared);
      assert(train + validation === text, kind);
      assert(sameIds(prepared.train, prepared.tokenizer.encode(train)), kind);
      assert(sameIds(prepared.validation, prepared.tokenizer.encode(validation)), kind);
      if (tokenizer === "bpe:262") {
        assertEquals(prepared.tokenizer.toJSON(), trainBpe(train, { vocabSize: 262 }).toJSON());
      }
    }
  }
});

Deno.test("prepareCorpus() finds separators that cross block boundaries", () => {
  const separator = "<|日本|>", document = "0123456789 ".repeat(37) + "😀";
  const text = (document + separator).repeat(6000);
  const corpus = corpusOf(text);
  const stretches = corpus.documents.map((document) => ({ document, start: 0, end: document.bytes }));
  let found = 0, current = "";
  for (const { text, endsDocument } of textPieces(stretches, { separator })) {
    current += text;
    if (!endsDocument) continue;
    if (current !== "") {
      assertEquals(current, document + separator);
      found++;
    }
    current = "";
  }
  assertEquals(found, 6000);
});

Deno.test("prepareCorpus() throws a UserError that names the corpus when the corpus does not fit", async () => {
  const prepare = (text: string, tokenizer: string) =>
    prepareCorpus(corpusOf(text), { tokenizer: tokenizer as TokenizerName });
  await assertRejects(
    () => prepare("a", "character"),
    UserError,
    'Cannot use the corpus "own": expected at least 1 character in each part',
  );
  await assertRejects(
    () => prepare("ab ab ab ab", "bpe:512"),
    UserError,
    "possible merges of pairs seen at least twice), got 512",
  );
  await assertRejects(() => prepare("abc", "bpe:100"), UserError, "got 100");
  await assertRejects(() => prepare("abc", "word"), UserError, 'expected "character"');
});

Deno.test("prepareCorpus() gives the same tokens with a cache, reuses it, and rebuilds damaged files", async () => {
  const root = await Deno.makeTempDir();
  try {
    const corpus = corpusOf(randomProse(createRandom(3, "cache"), 3000), "another document. ".repeat(40));
    const cache = { root: join(root, "tokens"), version: "1" };
    for (const tokenizer of KINDS) {
      for (const documents of tokenizer === "gpt2" ? ["join"] as const : ["join", "separate"] as const) {
        let encoded = 0;
        const prepare = async (version = "1") => {
          using prepared = await prepareCorpus(corpus, {
            ...{ tokenizer, documents, cache: { ...cache, version } },
            onProgress: () => encoded++,
          });
          const { train, validation } = prepared;
          return {
            ids: [all(train), all(validation)],
            starts: [train.documentStarts, validation.documentStarts],
            bytes: [prepared.trainBytes, prepared.validationBytes],
            name: prepared.tokenizer.name,
            json: prepared.tokenizer.toJSON(),
          };
        };
        const { train, validation, tokenizer: own } = await prepareCorpus(corpus, { tokenizer, documents });
        const first = await prepare();
        assertEquals(first.ids, [all(train), all(validation)]);
        assertEquals(first.starts, [train.documentStarts, validation.documentStarts]);
        assertEquals([first.name, first.json], [own.name, own.toJSON()]);
        const once = encoded;
        assertEquals(await prepare(), first);
        assertEquals(encoded, once, "the second call encodes nothing");
        if (tokenizer === "gpt2") continue;
        const files = [...walk(cache.root)].filter((path) =>
          path.includes(`${tokenizer.replace(":", "-")}/`)
        );
        for (const path of files) {
          for (const damage of [damageByte, truncate, Deno.removeSync]) {
            damage(path);
            assertEquals(await prepare(), first, `${damage.name} ${path}`);
          }
        }
        assert(encoded > once);
        const before = encoded;
        assertEquals(await prepare("2"), first);
        assert(encoded > before, "another version is encoded again");
      }
    }
    assertEquals([...walk(root)].filter((path) => path.includes("building")), []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

function* walk(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* walk(join(folder, name));
    else yield join(folder, name);
  }
}

/** Makes a JSON file invalid by changing one byte. */
function damageByte(path: string): void {
  const bytes = Deno.readFileSync(path);
  bytes[0]! ^= 0x80;
  Deno.writeFileSync(path, bytes);
}

function truncate(path: string): void {
  Deno.truncateSync(path, Deno.statSync(path).size - 1);
}

Deno.test("prepareCorpus() with a cache learns merges once, for the largest vocabulary", async () => {
  const root = await Deno.makeTempDir();
  try {
    const corpus = corpusOf(randomProse(createRandom(4, "nested"), 4000));
    const prepare = (tokenizer: TokenizerName) =>
      prepareCorpus(corpus, { tokenizer, cache: { root, version: "1" } });
    const merges = () => [...walk(root)].filter((path) => path.endsWith("merges.json"));
    const mergesOf = (tokenizer: { toJSON(): { model: object } }) =>
      (tokenizer.toJSON().model as { merges: unknown[] }).merges;
    const largest = (await prepare("bpe:700")).tokenizer;
    assertEquals(merges().length, 1);
    const before = Deno.statSync(merges()[0]!);
    for (const V of [256, 257, 400, 699] as const) {
      const { tokenizer } = await prepare(`bpe:${V}`);
      assertEquals(mergesOf(tokenizer), mergesOf(largest).slice(0, V - 256));
    }
    assertEquals(Deno.statSync(merges()[0]!).mtime, before.mtime);
    const larger = (await prepare("bpe:800")).tokenizer;
    assertEquals(mergesOf(larger).slice(0, 444), mergesOf(largest));
    await assertRejects(() => prepare("bpe:60000"), UserError, "possible merges");
    await assertRejects(() => prepare("bpe:50000"), UserError, "possible merges");
    assertEquals(mergesOf((await prepare("bpe:750")).tokenizer), mergesOf(larger).slice(0, 494));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("prepareCorpus() deletes the least recently used texts when the cache is too large", async () => {
  const root = await Deno.makeTempDir();
  try {
    const prepare = async (i: number, limit: number) => {
      const cache = { root, version: "1", limit };
      using _prepared = await prepareCorpus(corpusOf(`text ${i} `.repeat(2000)), {
        tokenizer: "byte",
        cache,
      });
    };
    const folders = () => new Set([...Deno.readDirSync(root)].map(({ name }) => name));
    const age = (hours: number, but: Set<string>) => {
      for (const name of folders()) {
        if (!but.has(name)) Deno.utimeSync(join(root, name), 0, Date.now() / 1000 - hours * 3600);
      }
    };
    await prepare(0, 1e9);
    const first = folders();
    age(5, new Set());
    await prepare(1, 1e9);
    age(4, first);
    await prepare(0, 1e9); // used again
    const two = folders();
    await prepare(2, 40_000); // three texts of 14,000 and 16,000 tokens exceed the limit
    const left = folders();
    assertEquals(left.size, 2);
    assertEquals(
      [...first].every((name) => left.has(name)),
      true,
      "the first was used more recently than the second",
    );
    assertEquals([...two].filter((name) => left.has(name)).length, 1);
    await prepare(3, 1); // the text in use is kept, however small the limit
    assertEquals(folders().size, 1);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("prepareCorpus() states the remedy when the cache cannot be written", async () => {
  const file = await Deno.makeTempFile();
  try {
    await assertRejects(
      () =>
        prepareCorpus(corpusOf("some text"), {
          tokenizer: "byte",
          cache: { root: join(file, "x"), version: "" },
        }),
      UserError,
      "Set LOSSKIT_CACHE to a writable folder",
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("prepareCorpus() refuses a text with only one distinct character", async () => {
  const cache = { root: await Deno.makeTempDir(), version: "1" };
  for (const text of ["a".repeat(20_000), "\n".repeat(500), "日日日日日日日日日日"]) {
    for (const options of [{}, { cache }, { cache }]) {
      await assertRejects(
        () => prepareCorpus(corpusOf(text), { tokenizer: "character", ...options }),
        UserError,
        'Cannot use the corpus "own": expected at least 2 different characters, got 1',
      );
    }
  }
  await Deno.remove(cache.root, { recursive: true });
});

Deno.test("requireSequenceLength() throws a UserError when a part is too short for T", async () => {
  const prepared = await prepareCorpus(corpusOf("abcdefghij".repeat(10)), { tokenizer: "character" });
  requireSequenceLength(prepared, { T: 9, name: "own" });
  assertThrows(
    () => requireSequenceLength(prepared, { T: 10, name: "own" }),
    UserError,
    'expected T < 10 (tokens in the validation split of "own" with the tokenizer character), got 10',
  );
  assertThrows(
    () => requireSequenceLength(prepared, { T: 90, name: "own" }),
    UserError,
    "tokens in the training split",
  );
  const single = await prepareCorpus(corpusOf("a|".repeat(50)), {
    ...{ tokenizer: "character", documents: "separate", separator: "a" },
  });
  requireSequenceLength(single, { T: 4, name: "own" });
  const alone = await prepareCorpus(corpusOf("a".repeat(100)), {
    ...{ tokenizer: "byte", documents: "separate", separator: "a" },
  });
  assertThrows(
    () => requireSequenceLength(alone, { T: 4, name: "own" }),
    UserError,
    'expected a document with at least 2 tokens, got none in the training split of "own". Choose another separator',
  );
});
