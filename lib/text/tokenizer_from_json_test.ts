import { assertEquals, assertThrows } from "@std/assert";
import { randomProse, randomUnicode } from "./_testing.ts";
import { createBpeTokenizer } from "./bpe_tokenizer.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
import { createRandom } from "./random.ts";
import { tokenizerFromJSON } from "./tokenizer_from_json.ts";

const random = createRandom(1, "json");
const text = randomProse(random, 1000) + " constructor __proto__ prototype toString ".repeat(20) +
  randomUnicode(random, 300);
const trained = trainBpe(text, { vocabSize: 420 });

/** Plain data, to be changed. */
// deno-lint-ignore no-explicit-any
function plain(tokenizer: unknown): any {
  return JSON.parse(JSON.stringify(tokenizer));
}

Deno.test("tokenizerFromJSON() makes a tokenizer that encodes the same", async () => {
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

Deno.test("tokenizerFromJSON() takes the older forms of GPT-2's file", async () => {
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

Deno.test("tokenizerFromJSON() throws when the JSON is of something else, and says of what", () => {
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
    [changed((json) => json.normalizer = { type: "Lowercase" }), "normalizer: must be null"],
    [changed((json) => json.model.byte_fallback = true), "model.byte_fallback: must be false"],
    [changed((json) => json.model.ignore_merges = true), "model.ignore_merges: must be false"],
    [changed((json) => json.model.dropout = 0.1), "model.dropout: must be null"],
    [
      changed((json) => json.pre_tokenizer.pretokenizers[1].add_prefix_space = true),
      "pre_tokenizer: must be ByteLevel",
    ],
    [changed((json) => json.pre_tokenizer = { type: "Whitespace" }), "pre_tokenizer: must be ByteLevel"],
    [changed((json) => json.model.merges[3] = ["x", "q"]), 'model.merges: ["x","q"] must make the token 259'],
    [changed((json) => json.model.merges.pop()), "model.vocab: no merge makes"],
    [changed((json) => json.model.vocab.a = 7), "model.vocab: no token, or more than one, has the id"],
    [changed((json) => json.model.vocab.a = "7"), "model.vocab: must give every token its id"],
    [changed((json) => [json.model.vocab.a, json.model.vocab.Zz] = [900, 97]), "model.vocab"],
    [
      changed((json) => json.pre_tokenizer = trained.toJSON().pre_tokenizer, characters),
      "every character a piece",
    ],
    [changed((json) => json.model.vocab.dd = 3, characters), '"dd" is not one character'],
    [
      changed((json) => json.added_tokens = [{ id: 3, content: "<s>" }], characters),
      "added_tokens: there must be none",
    ],
  ];
  for (const [json, message] of cases) assertThrows(() => tokenizerFromJSON(json), TypeError, message);
  const unsorted = changed((json) => json.model.vocab = { b: 0, a: 1 }, characters);
  assertThrows(() => tokenizerFromJSON(unsorted), RangeError, "the alphabet must be sorted");
});
