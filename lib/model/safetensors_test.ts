import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { createRandom } from "../text/random.ts";
import { mutated, withHeader } from "./_testing.ts";
import type { ParameterRecord } from "./parameters.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const tensors: ParameterRecord = {
  "a.weight": { shape: [2, 3], values: new Float32Array([1, -2, NaN, Infinity, 1e-40, 6]) },
  scalar: { shape: [], values: new Float32Array([7]) },
  empty: { shape: [0, 4], values: new Float32Array(0) },
};
const metadata = { step: "12", "ü": "\u2028" };

Deno.test("safetensors round-trip, and equal content gives equal bytes", () => {
  const bytes = encodeSafetensors({ tensors, metadata });
  assertEquals(decodeSafetensors(bytes, "x"), { tensors, metadata });
  assertEquals(encodeSafetensors({ tensors, metadata }), bytes);
  assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0, "tensors begin aligned");
  // Hugging Face's reader accepts null as empty metadata.
  const empty = withHeader('{"__metadata__":null}', new Uint8Array());
  assertEquals(decodeSafetensors(empty, "x"), { tensors: {}, metadata: {} });
  assertEquals(decodeSafetensors(encodeSafetensors({ tensors: {}, metadata: {} }), "x"), {
    tensors: {},
    metadata: {},
  });
});

Deno.test("safetensors keep names that are numbers, `__proto__`, or of any language, and their order", () => {
  const one = (value: number) => ({ shape: [1], values: new Float32Array([value]) });
  const names = ["z", "10", "2", "__proto__", "constructor", "", "ключ", "😀", '"\\\n', "\0"];
  const given = Object.fromEntries(names.map((name, i) => [name, one(i)]));
  const found = decodeSafetensors(
    encodeSafetensors({ tensors: given, metadata: JSON.parse('{"__proto__":"x","2":"y"}') }),
    "x",
  );
  assertEquals(Object.keys(found.tensors), Object.keys(given));
  for (const [i, name] of names.entries()) {
    assertEquals(Object.getOwnPropertyDescriptor(found.tensors, name)!.value, one(i), name);
  }
  assertEquals(Object.entries(found.metadata), [["2", "y"], ["__proto__", "x"]]);
});

/** All bfloat16 or float16 numbers except NaN, each with the rounding of the midpoint to the next. */
const LIMITS = { BF16: { bits: 8, largest: 2 ** 127 * (2 - 2 ** -7) }, F16: { bits: 11, largest: 65504 } };

for (const dtype of ["BF16", "F16"] as const) {
  Deno.test(`safetensors store ${dtype} in two bytes, rounded once to nearest, ties to even`, () => {
    const { bits, largest } = LIMITS[dtype];
    const step = 2 ** (1 - bits);
    // For 1 and the next number: below the midpoint, the midpoint (the lower is even), above it; then the next pair.
    const given = [
      ...[1, 1 + 0.49 * step, 1 + 0.5 * step, 1 + 0.51 * step, 1 + 1.49 * step, 1 + 1.5 * step],
      ...[-1.5 * step, 0, -0, Infinity, -Infinity, NaN, largest],
      ...[largest * (1 + step / 4 - 2 ** -20), largest * (1 + step / 3)],
    ];
    const want = [
      ...[1, 1, 1, 1 + step, 1 + step, 1 + 2 * step],
      ...[-1.5 * step, 0, -0, Infinity, -Infinity, NaN, largest],
      ...[largest, Infinity],
    ];
    const values = Float32Array.from(given);
    const bytes = encodeSafetensors({
      tensors: { a: { shape: [given.length], values, dtype } },
      metadata: {},
    });
    const headerBytes = new DataView(bytes.buffer).getUint32(0, true);
    assertEquals(bytes.length, 8 + headerBytes + 2 * given.length);
    const found = decodeSafetensors(bytes, "x").tensors["a"]!;
    assertEquals(found, { shape: [given.length], values: Float32Array.from(want), dtype });
  });

  Deno.test(`every ${dtype} number round-trips bit for bit`, () => {
    const words = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const header = `{"a":{"dtype":"${dtype}","shape":[65536],"data_offsets":[0,131072]}}`;
    const file = withHeader(header, new Uint8Array(words.buffer));
    const again = encodeSafetensors(decodeSafetensors(file, "x"));
    const back = new Uint16Array(again.slice(-131072).buffer);
    const isNaN = (word: number) => (word & 0x7fff) > (dtype === "BF16" ? 0x7f80 : 0x7c00); // NaN may change its bits
    for (const [i, word] of words.entries()) {
      assert(isNaN(word) ? isNaN(back[i]!) : back[i] === word, `${word} became ${back[i]}`);
    }
  });
}

Deno.test("encodeSafetensors() puts 4-byte numbers before 2-byte ones, so that all are aligned", () => {
  const tensor = (n: number, dtype: "F32" | "BF16") => ({
    shape: [n],
    values: new Float32Array(n),
    ...(dtype === "BF16" && { dtype } as const),
  });
  const given = { a: tensor(3, "BF16"), b: tensor(1, "F32"), c: tensor(1, "BF16"), d: tensor(2, "F32") };
  const found = decodeSafetensors(encodeSafetensors({ tensors: given, metadata }), "x").tensors;
  assertEquals(Object.keys(found), ["b", "d", "a", "c"]);
  assertEquals(found, given);
});

Deno.test("encodeSafetensors() refuses tensors that the format cannot represent", () => {
  const encode = (name: string, tensor: object) => () =>
    encodeSafetensors({
      tensors: { [name]: { shape: [2], values: new Float32Array(2), ...tensor } },
      metadata,
    });
  assertThrows(encode("a", { shape: [3] }), RangeError, "expected 3 values for its shape [3], got 2");
  assertThrows(encode("__metadata__", {}), RangeError, "expected another name");
  assertThrows(encode("a", { dtype: "F64" }), RangeError, "expected the type F32, BF16 or F16, got F64");
});

const none = new Uint8Array();

Deno.test("decodeSafetensors() refuses files that are not complete safetensors", () => {
  const entry = (fields: Record<string, unknown>) =>
    withHeader(JSON.stringify({ a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24], ...fields } }));
  const two = (a: string, b: string) =>
    withHeader(
      `{"a":{"dtype":"F32","shape":[3],"data_offsets":${a}},"b":{"dtype":"F32","shape":[3],"data_offsets":${b}}}`,
    );
  const tensor = '{"dtype":"F32","shape":[6],"data_offsets":[0,24]}';
  const wrong: [string, Uint8Array<ArrayBuffer>, string][] = [
    ["short", new Uint8Array(5), "5 bytes long"],
    ["nothing", none.slice(), "0 bytes long"],
    ["huge header", withHeader("{}").fill(255, 0, 8), "header claims"],
    ["a header of nothing", withHeader(""), "does not begin with {"],
    ["no JSON", withHeader("{a"), "not JSON"],
    ["bad UTF-8", withHeader('{"__": 1}').fill(0xff, 10, 12), "not in UTF-8"],
    ["a byte order mark", withHeader("\ufeff{}"), "does not begin with {"],
    ["white space before", withHeader(" {}"), "does not begin with {"],
    ["a list", withHeader("[]"), "does not begin with {"],
    ["another type", entry({ dtype: "F64", data_offsets: [0, 48], shape: [6] }), "lies at bytes"],
    ["a type of ours that is not read", entry({ dtype: "I32" }), 'the tensor "a" is of type I32'],
    ["an unknown type", entry({ dtype: "F33" }), 'unknown type "F33"'],
    ["a type that is an object's own", entry({ dtype: "constructor" }), 'unknown type "constructor"'],
    ["no type", entry({ dtype: null }), "unknown type null"],
    ["no shape", entry({ shape: "x" }), "no shape"],
    ["half a shape", entry({ shape: [1.5, 4] }), "no shape"],
    ["a shape below 0", entry({ shape: [-2, -3] }), "no shape"],
    ["a shape of text", entry({ shape: ["2", "3"] }), "no shape"],
    ["a huge shape", entry({ shape: [2 ** 52, 2 ** 52] }), "lies at bytes"],
    ["a shape beyond all numbers", entry({ shape: Array(40).fill(2 ** 52) }), "lies at bytes"],
    ["nothing for a tensor", withHeader('{"a":null}', none), "no shape"],
    ["a number for a tensor", withHeader('{"a":7}', none), "no shape"],
    ["three offsets", entry({ data_offsets: [0, 24, 24] }), "no offsets"],
    ["beyond the end", entry({ data_offsets: [0, 2400], shape: [600] }), "0 to 2400 of 24"],
    ["huge offsets", entry({ data_offsets: [2 ** 52, 2 ** 52 + 24] }), "beginning at 0"],
    ["offsets beyond all numbers", entry({ data_offsets: [1e300, 1e300] }), "no offsets"],
    ["negative", entry({ data_offsets: [-24, 0] }), "no offsets"],
    ["backwards", entry({ data_offsets: [24, 0] }), "lies at bytes"],
    ["wrong size", entry({ shape: [7] }), "lies at bytes"],
    ["overlapping", two("[0,12]", "[8,20]"), 'the tensor "b" lies at bytes 8 to 20'],
    ["one on the other", two("[0,12]", "[0,12]"), "beginning at 12"],
    ["a gap", two("[0,12]", "[16,28]"), "beginning at 12"],
    ["bytes left over", two("[0,12]", "[12,24]").slice(0, -4), "of 20"],
    ["bytes that are no tensor's", withHeader("{}"), "24 bytes belong to no tensor"],
    [
      "a name twice",
      withHeader(`{"a":${tensor},"a":${tensor}}`),
      'its header: line 1: the key "a" occurs twice',
    ],
    [
      "a name twice, once escaped",
      withHeader(`{"a":${tensor},"\\u0061" : ${tensor}}`),
      'the key "a" occurs twice',
    ],
    [
      "a field twice",
      withHeader(`{"a":${tensor.replace("}", ',"shape":[6]}')}}`),
      'the key "shape" occurs twice',
    ],
    [
      "a key of the metadata twice",
      withHeader('{"__metadata__":{"a":"1","a":"1"}}', none),
      'the key "a" occurs twice',
    ],
    ["metadata of numbers", withHeader('{"__metadata__":{"a":1}}', none), "not a record of text"],
    ["metadata that is a list", withHeader('{"__metadata__":["a"]}', none), "not a record of text"],
    ["metadata of one number", withHeader('{"__metadata__":1}', none), "not a record of text"],
    ["a long name", withHeader(`{"${"a".repeat(1e6)}":7}`, none), "aaa… has no shape"],
    [
      "deep lists",
      withHeader(`{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, none),
      "nested more than 256 levels",
    ],
  ];
  for (const [name, file, message] of wrong) {
    assertThrows(() => decodeSafetensors(file, `the file "${name}"`), UserError, message, name);
  }
});

Deno.test("decodeSafetensors() reads tensors in any order of the header, and skips the given ones", () => {
  const at = (dtype: string, shape: number[], begin: number, end: number) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const header = JSON.stringify({
    c: at("BOOL", [2], 10, 12),
    a: at("F16", [1], 8, 10),
    empty: at("F32", [0], 8, 8),
    b: at("F32", [2], 0, 8),
  });
  const data = new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64, 0, 0x42, 1, 0]);
  const file = withHeader(`${header}   `, data);
  assertThrows(() => decodeSafetensors(file, "x"), UserError, 'the tensor "c" is of type BOOL');
  assertEquals(decodeSafetensors(file, "x", { skip: (name) => name === "c" }), {
    tensors: {
      b: { shape: [2], values: new Float32Array([1, 2]) },
      empty: { shape: [0], values: new Float32Array(0) },
      a: { shape: [1], values: new Float32Array([3]), dtype: "F16" },
    },
    metadata: {},
  });
  // A view of a larger buffer, at an odd offset.
  const larger = new Uint8Array(file.length + 5);
  larger.set(file, 3);
  assertEquals(
    decodeSafetensors(larger.subarray(3, 3 + file.length), "x", { skip: (name) => name === "c" })
      .tensors["a"]!.values,
    new Float32Array([3]),
  );
});

const stored: ParameterRecord = {
  ...tensors,
  half: { shape: [3], values: new Float32Array([1, -0.5, 3]), dtype: "F16" },
  brain: { shape: [2, 1], values: new Float32Array([-8, 2 ** 100]), dtype: "BF16" },
};

Deno.test("decodeSafetensors() detects every flipped bit by the checksum", () => {
  const whole = encodeSafetensors({ tensors: stored, metadata });
  const key = new TextDecoder("latin1").decode(whole).indexOf("losskit.sha256");
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const file = whole.slice();
    file[bit >> 3]! ^= 1 << (bit & 7);
    const byte = bit >> 3;
    // A flip in the checksum's name removes the checksum, but damages nothing else.
    if (byte >= key && byte < key + "losskit.sha256".length) {
      try {
        assertEquals(decodeSafetensors(file, "x").tensors, stored);
      } catch (error) {
        assert(error instanceof UserError);
      }
    } else if (byte < 20 || byte >= key) {
      assertThrows(() => decodeSafetensors(file, "x"), UserError, "Cannot read x", `bit ${bit}`);
    }
  }
});

Deno.test("decodeSafetensors() throws a UserError for 10,000 mutated files, or returns the original content", () => {
  const random = createRandom(1, "fuzz");
  const whole = encodeSafetensors({ tensors: stored, metadata });
  let read = 0;
  for (let i = 0; i < 10_000; i++) {
    const file = mutated(whole, random);
    try {
      const found = decodeSafetensors(file, "a changed file");
      // A file that lost its checksum cannot detect a change, and is read according to its header.
      if (JSON.stringify(found.metadata) !== JSON.stringify(metadata)) {
        assertEquals(decodeSafetensors(encodeSafetensors(found), "it"), found);
        continue;
      }
      assertEquals(found, { tensors: stored, metadata });
      read++;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  assertGreater(read, 0);
});
