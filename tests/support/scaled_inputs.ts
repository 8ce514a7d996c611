/**
 * Inputs of the digests in tests/fixtures/formats/scaled.json, and the digest that `make_scaled.py` computes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import fixture from "../fixtures/formats/scaled.json" with { type: "json" };

const [ROWS, COLUMNS] = fixture.shape as [number, number];

/** Returns the inputs by name, [24, 77] in row-major order. */
export function scaledInputs(): Record<string, Float32Array<ArrayBuffer>> {
  const count = ROWS * COLUMNS, words = new Uint32Array(2 * count);
  let state = 2463534242;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  const ordinary = new Float32Array(
    words.slice(0, count).map((word, i) => {
      const power = 127 - (word >>> 8) % 16 + Math.floor(Math.floor(i / COLUMNS) / 2);
      return word & 0x80000000 | power << 23 | word & 0x7fffff;
    }).buffer,
  );
  const row = (n: number) => ordinary.subarray(n * COLUMNS, (n + 1) * COLUMNS);
  row(5).fill(0);
  row(6).fill(-0, 32, 64);
  row(7).fill(1.5);
  row(8).fill(0, 0, 40);
  const special = ordinary.slice();
  special[3 * COLUMNS + 40] = NaN;
  special[9 * COLUMNS] = Infinity;
  special[10 * COLUMNS + 76] = -Infinity;
  const anything = words.slice(count).map((word, i) => i < 12 * COLUMNS ? word & 0x80ffffff : word);
  return { ordinary, special, anything: new Float32Array(anything.buffer) };
}

/** Returns the SHA-256 of the values' bits, with one bit pattern for every NaN. */
export function scaledDigest(values: Float32Array<ArrayBuffer>): string {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
    .map((one) => (one & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : one);
  return createHash("sha256").update(bits).digest("hex");
}
