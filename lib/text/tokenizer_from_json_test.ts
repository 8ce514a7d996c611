import { assertEquals, assertThrows } from "@std/assert";
import { randomProse } from "./_testing.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import { createRandom } from "./random.ts";
import type { TokenizerJson } from "./tokenizer.ts";
import { tokenizerFromJSON } from "./tokenizer_from_json.ts";

Deno.test("tokenizerFromJSON() makes a tokenizer that encodes the same", () => {
  const text = randomProse(createRandom(1, "json"), 1000);
  for (const tokenizer of [trainCharacterTokenizer(text), trainBpe(text, { vocabSize: 400 })]) {
    const again = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
    assertEquals(again.name, tokenizer.name);
    assertEquals(again.vocabSize, tokenizer.vocabSize);
    assertEquals(again.byteLengths, tokenizer.byteLengths);
    assertEquals(again.encode(text), tokenizer.encode(text));
  }
});

Deno.test("tokenizerFromJSON() throws when the JSON is of something else", () => {
  const others: unknown[] = [
    null,
    undefined,
    [],
    {},
    { kind: "word" },
    { kind: "character", alphabet: 3 },
    { kind: "bpe", merges: [[1, 2, 3]] },
    { kind: "bpe", merges: [["a", "b"]] },
    { kind: "bpe" },
  ];
  for (const json of others) {
    assertThrows(
      () => tokenizerFromJSON(json as TokenizerJson),
      TypeError,
      "Cannot load a tokenizer: the JSON must be",
    );
  }
});
