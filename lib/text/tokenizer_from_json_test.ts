import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomProse, randomUnicode } from "./_testing.ts";
import { createBpeTokenizer } from "./bpe_tokenizer.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
import { createRandom } from "./random.ts";
import { jsonWithTreatment } from "./special_in_text.ts";
import { tokenizerFromJSON } from "./tokenizer_from_json.ts";

const random = createRandom(1, "json");
const text = randomProse(random, 1000) + " constructor __proto__ prototype toString ".repeat(20) +
  randomUnicode(random, 300);
const trained = trainBpe(text, { vocabSize: 420 });

/** Plain data that tests modify. */
// deno-lint-ignore no-explicit-any
function plain(tokenizer: unknown): any {
  return JSON.parse(JSON.stringify(tokenizer));
}

Deno.test("tokenizerFromJSON() creates a tokenizer that encodes the same", async () => {
  const gpt2 = await loadGpt2Tokenizer();
  for (const tokenizer of [trainCharacterTokenizer(text), createBpeTokenizer([]), trained, gpt2]) {
    const json = plain(tokenizer);
    const again = tokenizerFromJSON(json);
    assertEquals([again.name, again.vocabSize], [tokenizer.name, tokenizer.vocabSize]);
    assertEquals(again.byteLengths, tokenizer.byteLengths);
    assertEquals(again.encode(text), tokenizer.encode(text));
    assertEquals(plain(again), json);
  }
});

Deno.test("tokenizerFromJSON() accepts the older forms of GPT-2's file", async () => {
  const gpt2 = await loadGpt2Tokenizer();
  const json = plain(gpt2);
  delete json.model.type;
  json.model.merges = json.model.merges.map((merge: string[]) => merge.join(" "));
  json.model.continuing_subword_prefix = "";
  json.model.vocab["<|endoftext|>"] = 50256;
  json.pre_tokenizer = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false };
  json.post_processor = { type: "ByteLevel", add_prefix_space: true, trim_offsets: false };
  const again = tokenizerFromJSON(json);
  assertEquals([again.name, again.vocabSize], ["gpt2", 50257]);
  assertEquals(again.encode(text), gpt2.encode(text));
});

/** The post-processor that transformers 5 adds when it saves a tokenizer without one. */
const NO_TOKENS = {
  type: "TemplateProcessing",
  single: [{ Sequence: { id: "A", type_id: 0 } }],
  pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
  special_tokens: {},
};

Deno.test("tokenizerFromJSON() accepts what transformers 5 saves after it has read losskit's file", async () => {
  for (const tokenizer of [trainCharacterTokenizer(text), trained, await loadGpt2Tokenizer()]) {
    const again = tokenizerFromJSON({ ...plain(tokenizer), post_processor: NO_TOKENS });
    assertEquals([again.name, again.vocabSize], [tokenizer.name, tokenizer.vocabSize]);
    assertEquals(again.encode(text), tokenizer.encode(text));
  }
});

Deno.test("tokenizerFromJSON() refuses unsupported JSON and names the field", () => {
  // deno-lint-ignore no-explicit-any
  const changed = (change: (json: any) => void, from: unknown = trained) => {
    const json = plain(from);
    change(json);
    return json;
  };
  const characters = trainCharacterTokenizer("abc");
  const cases: [unknown, string][] = [
    [null, "the whole"],
    [undefined, "the whole"],
    [[], "pre_tokenizer"],
    [{}, "pre_tokenizer"],
    [changed((json) => json.model.type = "Unigram"), "model.type"],
    [changed((json) => json.pre_tokenizer.pretokenizers[0] = null), "pre_tokenizer: must be ByteLevel"],
    [changed((json) => json.decoder = null), "decoder: expected an object, got null"],
    [changed((json) => json.decoder = { type: "Fuse" }), "decoder: must be ByteLevel"],
    [changed((json) => json.decoder = { type: "ByteLevel" }, characters), "decoder: must be Fuse"],
    [changed((json) => json.normalizer = { type: "Lowercase" }), "normalizer: must be null"],
    [changed((json) => json.model.byte_fallback = true), "model.byte_fallback: must be false"],
    [changed((json) => json.model.ignore_merges = true), "model.ignore_merges: must be false"],
    [changed((json) => json.model.dropout = 0.1), "model.dropout: must be null"],
    [
      changed((json) =>
        json.post_processor = {
          ...NO_TOKENS,
          single: [{ SpecialToken: { id: "a", type_id: 0 } }, ...NO_TOKENS.single],
        }
      ),
      "post_processor: must be null, or add no tokens",
    ],
    [
      changed((json) => json.pre_tokenizer.pretokenizers[1].add_prefix_space = true),
      "pre_tokenizer: must be ByteLevel",
    ],
    [changed((json) => json.pre_tokenizer = { type: "Whitespace" }), "pre_tokenizer: must be ByteLevel"],
    [
      changed((json) => json.model.merges[3] = ["x", "q"]),
      'model.merges: ["x","q"] must merge two earlier tokens into a new one',
    ],
    [changed((json) => json.model.merges.pop()), "model.vocab: no merge produces"],
    [changed((json) => json.model.vocab.a = 7), " both have the id 7"],
    [changed((json) => json.model.vocab.a = "7"), "model.vocab: must map tokens to ids"],
    [changed((json) => [json.model.vocab.a, json.model.vocab.Zz] = [900, 97]), "model.vocab"],
    [
      changed((json) => json.pre_tokenizer = trained.toJSON().pre_tokenizer, characters),
      "must split text into characters",
    ],
    [changed((json) => json.model.vocab.dd = 3, characters), '"dd" is not one character'],
    [
      changed((json) => json.model.unk_token = "a", characters),
      "model.unk_token: must not be in the vocabulary",
    ],
    [
      changed((json) => json.added_tokens = [{ id: 1, content: "<s>" }], characters),
      "has the id 1 instead of 3, the next one",
    ],
    [changed((json) => json.added_tokens = [{ id: 9, content: "a" }], characters), '"a" has the ids 0 and 9'],
    [changed((json) => json.added_tokens = [{ id: -1, content: "x" }], characters), "must be an id"],
    [
      changed((json) => json.added_tokens = [{ id: 3, content: "<s>", single_word: true }], characters),
      "single_word: must be false",
    ],
    [changed((json) => delete json.model.vocab.a), "must have a token for every byte: 97 has none"],
  ];
  for (const [json, message] of cases) assertThrows(() => tokenizerFromJSON(json), TypeError, message);
});

Deno.test("tokenizerFromJSON() keeps a file's own ids: special tokens first, bytes in any order, gaps", () => {
  const json = plain(trained);
  const moved = (id: number) => (id === 0 ? 900 : id + 2); // id 2 is a gap, 0 and 1 are special
  json.model.vocab = {
    ...Object.fromEntries(
      Object.entries<number>(json.model.vocab).map(([token, id]) => [token, moved(id)]),
    ),
    ...{ "<|endoftext|>": 0, "<|endoftext|>x": 1 },
  };
  json.added_tokens = [
    { id: 0, content: "<|endoftext|>", special: true },
    { id: 1, content: "<|endoftext|>x", special: true },
  ];
  const tokenizer = tokenizerFromJSON(json);
  assertEquals(tokenizer.vocabSize, 901);
  assertEquals(tokenizer.encode(text), trained.encode(text).map(moved));
  assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  assertEquals(tokenizer.byteLengths[moved(300)], trained.byteLengths[300]);
  assertEquals([tokenizer.byteLengths[2], tokenizer.byteLengths[0]], [0, 13]);
  assertEquals(tokenizer.decode([0, 2, moved(97), 1]), "<|endoftext|>a<|endoftext|>x");
  const bytes = Uint8Array.of(0xff, 0x61);
  assertEquals(tokenizer.decodeBytes(tokenizer.encodeBytes(bytes)), bytes);
  assertEquals(plain(tokenizer), json);
  assertEquals(tokenizer.decode(tokenizer.encode("a<|endoftext|>b")), "a<|endoftext|>b");
  assert(!tokenizer.encode("a<|endoftext|>b").includes(0), "special tokens in text stay text");
  const special = tokenizerFromJSON(json, { specialInText: true });
  const a = moved(97), b = moved(98);
  assertEquals(Array.from(special.encode("<|endoftext|>a<|endoftext|>xb<|endoftext|>")), [0, a, 1, b, 0]);
  assertEquals(special.encode(text), tokenizer.encode(text));
  const marked = jsonWithTreatment(tokenizer);
  assertEquals(marked.added_tokens.map(({ in_text }) => in_text), [false, false]);
  const again = tokenizerFromJSON(plain(marked), { specialInText: true });
  assertEquals(again.encode("a<|endoftext|>b"), tokenizer.encode("a<|endoftext|>b"));
  assertEquals(jsonWithTreatment(again), plain(marked));
  assertEquals(jsonWithTreatment(special), json);
});

Deno.test("jsonWithTreatment() keeps the treatment of GPT-2's tokenizer, and its name", async () => {
  const gpt2 = await loadGpt2Tokenizer(),
    again = tokenizerFromJSON(plain(jsonWithTreatment(gpt2)), {
      specialInText: true,
    });
  assertEquals([again.name, again.vocabSize], ["gpt2", 50257]);
  assertEquals(again.encode("Hello<|endoftext|> world"), gpt2.encode("Hello<|endoftext|> world"));
});

Deno.test("tokenizerFromJSON() accepts characters in any order, with added tokens", () => {
  const json = plain(trainCharacterTokenizer("abc"));
  json.model.vocab = { b: 0, a: 1, c: 4 };
  assertEquals(Array.from(tokenizerFromJSON(json).encode("abcb")), [1, 0, 4, 0]);
  json.added_tokens = [{ id: 3, content: "<s>", special: false }];
  const tokenizer = tokenizerFromJSON(json);
  assertEquals(
    Array.from(tokenizer.encode("a<s>c")),
    [1, 3, 4],
    "tokens that are not special are always matched",
  );
  assertEquals(tokenizer.decode([1, 3, 4]), "a<s>c");
  assertThrows(() => tokenizer.encode("d"), RangeError, "expected characters of the tokenizer's alphabet");
});

Deno.test("tokenizerFromJSON() recognizes GPT-2's vocabulary by its content, not by its size", async () => {
  const json = plain(await loadGpt2Tokenizer());
  assertEquals(tokenizerFromJSON(json).name, "gpt2");
  const vocab = json.model.vocab;
  [vocab["!"], vocab["a"]] = [vocab["a"], vocab["!"]];
  const other = tokenizerFromJSON(json);
  assertEquals([other.name, other.vocabSize], ["bpe:50257", 50257]);
});
