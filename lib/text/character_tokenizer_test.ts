import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomUnicode } from "./_testing.ts";
import { createCharacterTokenizer, trainCharacterTokenizer } from "./character_tokenizer.ts";
import { createRandom } from "./random.ts";

Deno.test("trainCharacterTokenizer() sorts the distinct characters by code point", () => {
  const tokenizer = trainCharacterTokenizer("cab\na😀é");
  assertEquals(tokenizer.name, "character");
  assertEquals(tokenizer.vocabSize, 6);
  assertEquals(tokenizer.toJSON().model, {
    type: "WordLevel",
    vocab: { "\n": 0, a: 1, b: 2, c: 3, "é": 4, "😀": 5 },
    unk_token: "<unknown>",
  });
  assertEquals(Array.from(tokenizer.encode("cab😀")), [3, 1, 2, 5]);
  assertEquals(tokenizer.decode([4, 0, 5]), "é\n😀");
  assertEquals(Array.from(tokenizer.byteLengths), [1, 1, 1, 1, 2, 4]);
});

Deno.test("encode() and decode() round-trip any text over the alphabet", () => {
  const random = createRandom(1, "characters");
  for (let round = 0; round < 50; round++) {
    const text = randomUnicode(random, 1 + random.integer(200));
    const tokenizer = trainCharacterTokenizer(text);
    const ids = tokenizer.encode(text);
    assertEquals(tokenizer.decode(ids), text);
    assertEquals(ids.length, Array.from(text).length);
    assertEquals(
      ids.reduce((sum, id) => sum + tokenizer.byteLengths[id]!, 0),
      new TextEncoder().encode(text).length,
    );
  }
});

Deno.test("encode() returns no tokens when the text is empty", () => {
  const tokenizer = trainCharacterTokenizer("ab");
  assertEquals(tokenizer.encode("").length, 0);
  assertEquals(tokenizer.decode([]), "");
});

Deno.test("encode() reports an unseen character and its position", () => {
  const tokenizer = trainCharacterTokenizer("abc \nz");
  const seen: [string, string][] = [
    ["ab\nac😀", '"😀" (U+1F600) at index 5 (line 2, column 3)'],
    ["abé", '"é" (U+00E9) at index 2 (line 1, column 3)'],
    ["a\0", "U+0000 at index 1"],
    ["a\u202e", "U+202E at index 1"], // would reverse a terminal's line if printed
    ["a\ud800b", "U+D800 at index 1"],
  ];
  for (const [text, message] of seen) assertThrows(() => tokenizer.encode(text), RangeError, message);
});

Deno.test("decode() throws when an id is not in the vocabulary", () => {
  const tokenizer = trainCharacterTokenizer("ab");
  for (const id of [2, -1, 0.5, NaN]) {
    assertThrows(() => tokenizer.decode([0, id]), RangeError, `in [0, 2), got ${id} at index 1`);
  }
});

Deno.test("trainCharacterTokenizer() throws when the text is empty or has a lone surrogate", () => {
  assertThrows(() => trainCharacterTokenizer(""), RangeError, "got an empty text");
  assertThrows(
    () => trainCharacterTokenizer("😀\na\udc00"),
    RangeError,
    "a lone surrogate, U+DC00, at index 4 (line 2, column 2)",
  );
});

Deno.test("createCharacterTokenizer() restores the same tokenizer, including one for all of Unicode", () => {
  const alphabet = Array.from({ length: 0x110000 }, (_, codePoint) => codePoint)
    .filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff)
    .map((codePoint) => String.fromCodePoint(codePoint)).join("");
  const tokenizer = createCharacterTokenizer(alphabet);
  assertEquals(tokenizer.vocabSize, 0x110000 - 0x800);
  const vocab = Object.entries(tokenizer.toJSON().model.vocab).sort(([, a], [, b]) => a - b);
  assert(vocab.map(([character]) => character).join("") === alphabet);
});

Deno.test("createCharacterTokenizer() throws when the alphabet is empty or unsorted, or has duplicates", () => {
  const load = (alphabet: string) => createCharacterTokenizer(alphabet);
  assertThrows(() => load(""), RangeError, "got an empty alphabet");
  assertThrows(() => load("ba"), RangeError, '"a" (U+0061) after "b" (U+0062)');
  assertThrows(() => load("aa"), RangeError, "without duplicates");
  assertThrows(() => load("a\ud800"), RangeError, "lone surrogate");
});
