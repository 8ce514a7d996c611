import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { parseTokenizerName } from "./tokenizer_name.ts";

Deno.test("parseTokenizerName() reads the four kinds", () => {
  assertEquals(parseTokenizerName("character"), { kind: "character" });
  assertEquals(parseTokenizerName("byte"), { kind: "byte", vocabSize: 256 });
  assertEquals(parseTokenizerName("gpt2"), { kind: "gpt2", vocabSize: 50257 });
  assertEquals(parseTokenizerName("bpe:256"), { kind: "bpe", vocabSize: 256 });
  assertEquals(parseTokenizerName("bpe:16384"), { kind: "bpe", vocabSize: 16384 });
});

Deno.test("parseTokenizerName() throws a user's error for anything else", () => {
  for (
    const name of [
      "",
      "char",
      "bpe",
      "bpe:",
      "bpe:0512",
      "bpe:1e3",
      "bpe:-300",
      "bpe:5.5",
      "BPE:512",
      "bpe:512 ",
    ]
  ) {
    assertThrows(() => parseTokenizerName(name), UserError, `it is ${JSON.stringify(name)}`);
  }
  assertThrows(() => parseTokenizerName("bpe:" + "9".repeat(30)), UserError, "its name must be");
  for (const size of ["100", "255", "1"]) {
    assertThrows(
      () => parseTokenizerName(`bpe:${size}`),
      UserError,
      `must be >= 256, the number of bytes: V is ${size}`,
    );
  }
});
