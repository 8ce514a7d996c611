import { assertEquals, assertThrows } from "@std/assert";
import { parseJson } from "./json.ts";
import { isSealed, sealJson, unsealJson } from "./sealed_json.ts";

Deno.test("unsealJson() returns the object given to sealJson(), and content of version 0.1 unchanged", () => {
  const value = { b: [1, { x: null }], 2: "é", a: 0.1, gone: undefined };
  const { gone: _gone, ...kept } = value;
  for (const indent of [0, 1, 2]) assertEquals(unsealJson(parseJson(sealJson(value, indent))), kept);
  for (const old of [kept, [], null, "text", 3]) assertEquals(unsealJson(old), old);
});

Deno.test("unsealJson() detects every flipped bit that changes the content", () => {
  const value = {
    format: "losskit-run/1",
    runId: "0123456789ab",
    spec: { lr: 0.001, names: ["a b", "c"] },
    n: 12,
  };
  const bytes = new TextEncoder().encode(sealJson(value));
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    let read: unknown;
    try {
      read = unsealJson(parseJson(flipped));
    } catch {
      continue;
    }
    // A flip in the checksum's name keeps the content; readers ignore unknown fields.
    const known = Object.fromEntries(Object.entries(read as object).filter(([key]) => key in value));
    assertEquals(known, value);
  }
});

Deno.test("unsealJson() refuses changed content", () => {
  const sealed = parseJson(sealJson({ lr: 0.001 }));
  assertEquals([isSealed(sealed), isSealed({ lr: 0.001 })], [true, false]);
  assertThrows(
    () => unsealJson({ ...sealed as object, lr: 0.002 }),
    SyntaxError,
    "expected content with checksum",
  );
  assertThrows(() => unsealJson({ lr: 0.001, checksum: 3 }), SyntaxError, "expected content with checksum 3");
});
