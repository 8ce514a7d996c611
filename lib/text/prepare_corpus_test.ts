import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { randomProse } from "./_testing.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { corpusFromBytes } from "./corpus.ts";
import { prepareCorpus, requireSequenceLength } from "./prepare_corpus.ts";
import { createRandom } from "./random.ts";
import { splitText } from "./split.ts";
import type { TokenizerName } from "./tokenizer_name.ts";

function corpusOf(text: string) {
  return corpusFromBytes(new TextEncoder().encode(text), { name: "own" });
}

Deno.test("prepareCorpus() gives both parts as tokens with their bytes", () => {
  const text = randomProse(createRandom(1, "prepare"), 3000);
  const parts = splitText(text);
  for (const name of ["character", "bpe:400"] as const) {
    const prepared = prepareCorpus(corpusOf(text), { tokenizer: name });
    assertEquals(prepared.tokenizer.name, name);
    assertEquals(prepared.tokenizer.decode(prepared.train), parts.train);
    assertEquals(prepared.tokenizer.decode(prepared.validation), parts.validation);
    assertEquals(prepared.trainBytes, new TextEncoder().encode(parts.train).length);
    assertEquals(prepared.validationBytes, new TextEncoder().encode(parts.validation).length);
    assert(prepared.validationBytes > parts.validation.length); // the text has accents
  }
});

Deno.test("prepareCorpus() learns merges from the training part alone, the alphabet from the whole text", () => {
  // The second half has its own letters, and pairs more frequent than any of the first half.
  const corpus = corpusOf("to be or not to be. ".repeat(50) + "ZY".repeat(500));
  const merges = prepareCorpus(corpus, { tokenizer: "bpe:260", validationFraction: 0.5 }).tokenizer;
  assertEquals(merges.toJSON(), trainBpe("to be or not to be. ".repeat(50), { vocabSize: 260 }).toJSON());
  assertNotEquals(merges.toJSON(), trainBpe(corpus.text, { vocabSize: 260 }).toJSON());
  const characters = prepareCorpus(corpus, { tokenizer: "character", validationFraction: 0.5 });
  assertEquals(characters.tokenizer.decode(characters.validation), "ZY".repeat(500));
});

Deno.test("prepareCorpus() takes another validation share", () => {
  const corpus = corpusOf("abcdefghij".repeat(10));
  const prepared = prepareCorpus(corpus, { tokenizer: "character", validationFraction: 0.25 });
  assertEquals([prepared.train.length, prepared.validation.length], [75, 25]);
});

Deno.test("prepareCorpus() throws a user's error that names the corpus when it does not fit", () => {
  assertThrows(
    () => prepareCorpus(corpusOf("a"), { tokenizer: "character" }),
    UserError,
    'the corpus "own": Cannot split',
  );
  assertThrows(
    () => prepareCorpus(corpusOf("ab ab ab ab"), { tokenizer: "bpe:512" }),
    UserError,
    "possible merges of pairs seen at least twice): vocabSize is 512",
  );
  assertThrows(() => prepareCorpus(corpusOf("abc"), { tokenizer: "bpe:100" }), UserError, "V is 100");
  assertThrows(
    () => prepareCorpus(corpusOf("abc"), { tokenizer: "word" as TokenizerName }),
    UserError,
    "its name",
  );
});

Deno.test("requireSequenceLength() throws a user's error when a part is too short for T", () => {
  const prepared = prepareCorpus(corpusOf("abcdefghij".repeat(10)), { tokenizer: "character" });
  requireSequenceLength(prepared, { T: 9, name: "own" });
  assertThrows(
    () => requireSequenceLength(prepared, { T: 10, name: "own" }),
    UserError,
    'T must be < 10 (tokens in the validation part of "own" with the tokenizer character): T is 10',
  );
  assertThrows(
    () => requireSequenceLength(prepared, { T: 90, name: "own" }),
    UserError,
    "tokens in the training part",
  );
});
