import { assert, assertEquals } from "@std/assert";
import { decode, encode } from "gpt-tokenizer/encoding/r50k_base";
import { randomProse, randomUnicode } from "./_testing.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
import { createRandom } from "./random.ts";

const gpt2 = await loadGpt2Tokenizer();

Deno.test("loadGpt2Tokenizer() gives the ids of gpt-tokenizer's encoder", () => {
  const random = createRandom(1, "gpt2");
  const texts = [
    "",
    "The cat sat on the mat.",
    "I'll don't WE'RE 'tis   it's\n\n\n  x \t y  ",
    "<|endoftext|>",
    "1234567890 3.14159 -17e5 ½ ² Ⅷ",
    "for (let i = 0; i < n; i++) {\n\treturn constructor.prototype;\n}\n",
    randomProse(random, 5000),
    // JavaScript's white space, which that encoder uses, includes U+FEFF and excludes U+0085.
    ...Array.from({ length: 200 }, () => randomUnicode(random, 80).replaceAll(/[\u0085\ufeff]/g, " ")),
  ];
  for (const text of texts) {
    const ids = Array.from(gpt2.encode(text));
    assertEquals(ids, encode(text, { disallowedSpecial: new Set() }));
    assertEquals(gpt2.decode(ids), decode(ids));
  }
});

Deno.test("loadGpt2Tokenizer() has the vocabulary of GPT-2's weights", () => {
  assertEquals([gpt2.name, gpt2.vocabSize, gpt2.merges.length], ["gpt2", 50257, 50000]);
  // The first of OpenAI's merges.txt: "Ġ t", "Ġ a", "h e".
  assertEquals(["\u0120t", "\u0120a", "he"].map((token) => vocabulary()[token]), [256, 257, 258]);
  assertEquals(gpt2.decode([50256]), "<|endoftext|>");
  assertEquals(Array.from(gpt2.encode("hello world")), [31373, 995]);
  assert(!gpt2.encode("<|endoftext|>").includes(50256), "text is text");
});

function vocabulary(): Readonly<Record<string, number>> {
  return gpt2.toJSON().model.vocab;
}
