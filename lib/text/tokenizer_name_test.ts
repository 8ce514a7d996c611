import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { parseTokenizerName } from "./tokenizer_name.ts";

Deno.test("parseTokenizerName() parses the four kinds", () => {
  assertEquals(parseTokenizerName("character"), { kind: "character" });
  assertEquals(parseTokenizerName("byte"), { kind: "byte", vocabSize: 256 });
  assertEquals(parseTokenizerName("gpt2"), { kind: "gpt2", vocabSize: 50257 });
  assertEquals(parseTokenizerName("bpe:256"), { kind: "bpe", vocabSize: 256 });
  assertEquals(parseTokenizerName("bpe:16384"), { kind: "bpe", vocabSize: 16384 });
});

Deno.test("parseTokenizerName() throws a UserError for other names", () => {
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
    assertThrows(() => parseTokenizerName(name), UserError, `got ${JSON.stringify(name)}`);
  }
  assertThrows(() => parseTokenizerName("bpe:" + "9".repeat(30)), UserError, 'expected "character"');
  for (const size of ["100", "255", "1"]) {
    assertThrows(
      () => parseTokenizerName(`bpe:${size}`),
      UserError,
      `expected V >= 256, the number of bytes, in "bpe:V", got ${size}`,
    );
  }
});
