/**
 * Tests of the properties that all tokenizers share.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomBytes, randomProse, randomUnicode } from "./_testing.ts";
import { createBpeTokenizer, smallerVocabulary } from "./bpe_tokenizer.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
import { createRandom } from "./random.ts";
import type { Tokenizer } from "./tokenizer.ts";

const random = createRandom(2, "tokenizers");
const prose = randomProse(random, 3000);
const trained = trainBpe(prose, { vocabSize: 600 });

/** All tokenizers except the character tokenizer, whose alphabet is limited. */
const BYTE_LEVEL: readonly Tokenizer[] = [
  createBpeTokenizer([]),
  trained,
  trainBpe(randomUnicode(random, 5000), { vocabSize: 700 }),
  await loadGpt2Tokenizer(),
];

const TEXTS = [
  "",
  "\0",
  "\ufeff",
  "\ufeffa\ufeff",
  "👩‍👩‍👧‍👦",
  "e\u0301\u0301\u0301",
  "\r\n\r",
  "\u2028\u0085",
  "\u{10ffff}",
  "I'll don't WE'RE 'tis",
  "a  b   c\n\n\n d\t\te ",
  "x".repeat(3000),
  " ".repeat(3000),
  ...Array.from({ length: 150 }, () => randomUnicode(random, random.integer(120))),
];

Deno.test("encode() and decode() round-trip any well-formed text, and byteLengths sums to its bytes", () => {
  const all = [...BYTE_LEVEL, trainCharacterTokenizer(TEXTS)];
  for (const tokenizer of all) {
    for (const text of TEXTS) {
      const ids = tokenizer.encode(text);
      assertEquals(tokenizer.decode(ids), text);
      const bytes = new TextEncoder().encode(text);
      assertEquals(ids.reduce((sum, id) => sum + tokenizer.byteLengths[id]!, 0), bytes.length);
      assertEquals(tokenizer.encodeBytes(bytes), ids);
      assertEquals(tokenizer.decodeBytes(ids), bytes);
    }
  }
});

Deno.test("encodeBytes() and decodeBytes() round-trip any bytes, also if they are not UTF-8", () => {
  const samples = [
    Uint8Array.of(0xed, 0xa0, 0x80), // a lone surrogate
    Uint8Array.of(0xc0, 0x80), // overlong
    Uint8Array.of(0x61, 0xf0, 0x9f, 0x98), // cut off
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
    ...Array.from({ length: 200 }, () => randomBytes(random, random.integer(100))),
    ...Array.from({ length: 20 }, () => Uint8Array.from({ length: 50 }, () => random.integer(256))),
  ];
  for (const tokenizer of BYTE_LEVEL) {
    for (const bytes of samples) {
      const ids = tokenizer.encodeBytes(bytes);
      assertEquals(tokenizer.decodeBytes(ids), bytes);
      assert(ids.every((id) => id >= 0 && id < tokenizer.vocabSize));
    }
  }
  assertThrows(
    () => trainCharacterTokenizer("ab").encodeBytes(Uint8Array.of(0x61, 0xff)),
    RangeError,
    "Cannot encode bytes: expected UTF-8, got text that has an invalid byte at byte offset 1 (0xFF)",
  );
});

Deno.test("encodeBytes() takes a megabyte of noise in linear time", () => {
  // If each invalid byte caused a rescan of the rest, this would take hours.
  const noise = new Uint8Array(2 ** 20).fill(0xff);
  for (const tokenizer of BYTE_LEVEL) assertEquals(tokenizer.encodeBytes(noise).length, noise.length);
});

Deno.test("safeCut() splits only where the tokens of the parts equal those of the whole, for any following text", () => {
  for (const tokenizer of [...BYTE_LEVEL, trainCharacterTokenizer([...TEXTS, prose])]) {
    for (let round = 0; round < 300; round++) {
      const kind = random.integer(4);
      const text = kind === 0
        ? prose.slice(random.integer(1000), 1000 + random.integer(200))
        : kind === 1
        ? "x".repeat(random.integer(3000)) + "日".repeat(random.integer(300))
        : kind === 2
        ? Array.from({ length: 60 }, () => " \n\t a1'.s"[random.integer(9)]).join("")
        : TEXTS[random.integer(TEXTS.length)]!;
      if (tokenizer.name === "character" && !text.split("").every((c) => prose.includes(c))) continue;
      const known = text.slice(0, random.integer(text.length + 1));
      if (!known.isWellFormed()) continue;
      const cut = tokenizer.safeCut(known);
      assert(cut >= 0 && cut <= known.length);
      const parts = [text.slice(0, cut), text.slice(cut)].flatMap((part) => [...tokenizer.encode(part)]);
      assertEquals(parts, [...tokenizer.encode(text)]);
    }
    // There is always progress, so that a stream of text is never held as a whole.
    assert(tokenizer.name === "character" || tokenizer.safeCut("x".repeat(5000)) > 2000);
  }
});

Deno.test("smallerVocabulary() equals training a smaller vocabulary, with a prefix of the merges", () => {
  for (const vocabSize of [256, 257, 300, 512, 599, 600]) {
    const smaller = smallerVocabulary(trained, vocabSize);
    assertEquals(smaller.merges, trained.merges.slice(0, vocabSize - 256));
    assertEquals(smaller.toJSON(), trainBpe(prose, { vocabSize }).toJSON());
    assertEquals(smaller.name, vocabSize === 256 ? "byte" : `bpe:${vocabSize}`);
  }
  for (const vocabSize of [255, 601, 300.5, NaN]) {
    assertThrows(() => smallerVocabulary(trained, vocabSize), RangeError, `got ${vocabSize}`);
  }
});

Deno.test("smallerVocabulary() refuses a vocabulary that trainBpe did not learn", async () => {
  const gpt2 = await loadGpt2Tokenizer();
  assertThrows(
    () => smallerVocabulary(gpt2, 1000),
    RangeError,
    "expected a tokenizer made by trainBpe, got gpt2",
  );
});
