import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { createRandom } from "../text/random.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const tensors = {
  "a.weight": { shape: [2, 3], values: new Float32Array([1, -2, NaN, Infinity, 1e-40, 6]) },
  scalar: { shape: [], values: new Float32Array([7]) },
  empty: { shape: [0, 4], values: new Float32Array(0) },
};
const metadata = { step: "12", "ü": "\u2028" };

Deno.test("safetensors come back as they went in, and equal ones give equal bytes", () => {
  const bytes = encodeSafetensors({ tensors, metadata });
  assertEquals(decodeSafetensors(bytes, "x"), { tensors, metadata });
  assertEquals(encodeSafetensors({ tensors, metadata }), bytes);
  assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0, "tensors begin aligned");
});

/** A file with a header of one's own. */
function withHeader(header: string, data = 24): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + data);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

Deno.test("decodeSafetensors() refuses files that are no whole safetensors", () => {
  const entry = (fields: Record<string, unknown>) =>
    withHeader(JSON.stringify({ a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24], ...fields } }));
  const wrong: [string, Uint8Array<ArrayBuffer>, string][] = [
    ["short", new Uint8Array(5), "5 bytes long"],
    ["huge header", withHeader("{}").fill(255, 0, 8), "header claims"],
    ["no JSON", withHeader("{a"), "no JSON"],
    ["bad UTF-8", withHeader("{}").fill(0xff, 8, 10), "no JSON in UTF-8"],
    ["a list", withHeader("[]"), "no JSON object"],
    ["another type", entry({ dtype: "F64" }), "type F64"],
    ["no shape", entry({ shape: "x" }), "no shape"],
    ["beyond the end", entry({ data_offsets: [0, 2400], shape: [600] }), "lies at bytes 0 to 2400"],
    ["negative", entry({ data_offsets: [-24, 0] }), "lies at bytes"],
    ["wrong size", entry({ shape: [7] }), "lies at bytes"],
    ["bytes left over", withHeader("{}"), "belong to no tensor"],
    ["metadata of numbers", withHeader(JSON.stringify({ __metadata__: { a: 1 } }), 0), "no record of text"],
  ];
  for (const [name, file, message] of wrong) {
    assertThrows(() => decodeSafetensors(file, `the file "${name}"`), UserError, message, name);
  }
});

Deno.test("decodeSafetensors() answers every changed or shortened file with a UserError or a file", () => {
  const random = createRandom(1, "fuzz");
  const whole = encodeSafetensors({ tensors, metadata });
  for (let i = 0; i < 3000; i++) {
    const file = whole.slice(0, random.integer(2) === 0 ? whole.length : random.integer(whole.length));
    for (let k = random.integer(4); k > 0 && file.length > 0; k--) {
      file[random.integer(file.length)] = random.integer(256);
    }
    try {
      decodeSafetensors(file, "a changed file");
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
});
