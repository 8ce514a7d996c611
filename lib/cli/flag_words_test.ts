import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { policyWord, vocabWord } from "./flag_words.ts";

Deno.test("policyWord() names the flag, and the nearest policy", () => {
  for (const word of ["off", "on", "bf16-autocast", "mxfp8+ceil", "emulated:e4m3fn"]) {
    assertEquals(policyWord(word), word);
  }
  const wrong = {
    bf16: '"bf16" (did you mean bf16-autocast?)',
    "bf16-autocas": '"bf16-autocas" (did you mean bf16-autocast?)',
    mxfp: '"mxfp" (did you mean mxfp8?)',
    onn: '"onn" (did you mean on?)',
    turbo: '"turbo"',
  };
  for (const [word, told] of Object.entries(wrong)) {
    const { message } = assertThrows(() => policyWord(word), UserError);
    assertMatch(
      message,
      /^Cannot use --amp: expected off, on, float32, bf16-autocast, .*, fp8-hybrid, .*, nvfp4 or emulated:FORMAT, got /,
    );
    assert(message.endsWith(`, got ${told}.`), message);
  }
  assertThrows(() => policyWord("emulated:e9m99"), UserError, "Cannot use --amp: ");
});

Deno.test("vocabWord() requires a vocabulary of all bytes", () => {
  for (const word of ["char", "byte", "gpt2", "256", "bpe:512", "tokenizer.json"]) {
    assertEquals(vocabWord(word), word);
  }
  for (const word of ["100", "bpe:255"]) {
    assertThrows(
      () => vocabWord(word),
      UserError,
      `Cannot use --vocab: expected at least 256 tokens (the number of bytes), got ${word}. For characters, use char.`,
    );
  }
});

Deno.test("vocabWord() lists the vocabularies, and names the nearest", () => {
  const wrong = {
    gpt3: '"gpt3" (did you mean gpt2?)',
    charactr: '"charactr" (did you mean character?)',
    zulu: '"zulu"',
  };
  for (const [word, told] of Object.entries(wrong)) {
    assertThrows(
      () => vocabWord(word),
      UserError,
      "Cannot use --vocab: expected char, byte, gpt2, bpe:V with a vocabulary size V such as bpe:512, " +
        `or the path of a tokenizer.json, got ${told}.`,
    );
  }
});
