import { assertEquals } from "@std/assert";
import { overrides, wrapSentences } from "./command.ts";

Deno.test("overrides() parses a list", () => {
  assertEquals(overrides("softmax@h.1+h.2=e8m3, =float32"), [
    { layers: ["h.1", "h.2"], opClasses: ["softmax"], format: "e8m3" },
    { format: "float32" },
  ]);
});

Deno.test("wrapSentences() wraps sentences at words, by the width of letters, and keeps lines of tables", () => {
  const text = "one two three\nT   loss  gap of all\n損失 損失 x";
  assertEquals(wrapSentences(text, 8), "one two\nthree\nT   loss  gap of all\n損失\n損失 x");
  assertEquals(wrapSentences(text, Infinity), text);
});
