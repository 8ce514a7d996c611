import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { canonicalJson } from "./canonical_json.ts";
import { sha256Hex } from "./sha256.ts";

Deno.test("canonicalJson() does not depend on the order of keys", () => {
  const text = canonicalJson({ b: [1, { z: null, y: true }], a: "é\n" });
  assertEquals(text, '{"a":"é\\n","b":[1,{"y":true,"z":null}]}');
  assertEquals(canonicalJson({ a: "é\n", b: [1, { y: true, z: null }] }), text);
});

Deno.test("canonicalJson() keeps the order of lists, and omits undefined fields", () => {
  assertNotEquals(canonicalJson([1, 2]), canonicalJson([2, 1]));
  assertEquals(canonicalJson({ a: undefined, b: 1 }), '{"b":1}');
});

Deno.test("canonicalJson() writes numbers that JSON.parse restores", () => {
  for (const value of [0.1, 1e-8, 1e21, -5, Number.MAX_SAFE_INTEGER, 5e-324]) {
    assertEquals(JSON.parse(canonicalJson(value)), value);
  }
});

Deno.test("canonicalJson() gives the example of RFC 8785, and writes 0 for -0 and escapes for lone surrogates", () => {
  const value = {
    numbers: [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    literals: [null, true, false],
  };
  assertEquals(
    canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  assertEquals(
    canonicalJson({ "\r": 1, "1": -0, "\ud800": "\udc00", "é": 2, "🙂": 3, "\ufb33": 4 }),
    '{"\\r":1,"1":0,"é":2,"\\ud800":"\\udc00","🙂":3,"\ufb33":4}',
  );
});

Deno.test("canonicalJson() refuses values that JSON cannot represent", () => {
  for (const value of [NaN, Infinity, -Infinity, undefined, () => 1, 1n]) {
    assertThrows(() => canonicalJson({ a: [value] }), TypeError, "Cannot write JSON");
  }
});

Deno.test("sha256Hex() agrees with the published digest of abc", () => {
  const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(sha256Hex("abc"), digest);
  assertEquals(sha256Hex(new Uint8Array([97, 98, 99])), digest);
});
