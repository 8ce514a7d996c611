import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { withFullNames } from "./names.ts";
import { parseSweepSpec } from "../sweep/parse_spec.ts";

Deno.test("a spec accepts short names of tokenizers and policies everywhere", () => {
  const { vocab, policy, when, exclude } = parseSweepSpec({
    vocab: ["char", 512, "byte"],
    policy: ["off", "bf16-autocast"],
    when: [{ if: { tokenizer: "char", policy: ["off"] }, set: { tokenizer: 300 } }],
    exclude: [{ tokenizer: [512, "char"], policy: "off", T: 128 }],
  }, "the test");
  assertEquals([vocab, policy], [["character", "bpe:512", "byte"], ["float32", "bf16-autocast"]]);
  assertEquals(when, [{
    if: { tokenizer: "character", policy: ["float32"] },
    set: { tokenizer: "bpe:300" },
  }]);
  assertEquals(exclude, [{ tokenizer: ["bpe:512", "character"], policy: "float32", T: 128 }]);
  assertEquals(parseSweepSpec({ axes: { tokenizer: ["char"], policy: ["off"] } }, "x").axes, {
    tokenizer: ["character"],
    policy: ["float32"],
  });
  assertThrows(
    () => parseSweepSpec({ vocab: ["char", "character"] }, "x"),
    UserError,
    "expected vocab not to repeat a value",
  );
  assertThrows(() => parseSweepSpec({ vocab: [100] }, "x"), UserError, "expected V >= 256");
});

Deno.test("withFullNames() keeps other values for validation", () => {
  const odd = { vocab: [null, {}], policy: 3, axes: [1], zip: null, when: "x", exclude: [[1]] };
  assertEquals(withFullNames(odd), { ...odd });
});
