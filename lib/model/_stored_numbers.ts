/**
 * float32 numbers as files hold them, in 4 bytes or in 2, and back. Little-endian, as every machine that Deno runs on is.
 *
 * @module
 */

/** How a file holds a floating number: float32, bfloat16 or float16, by safetensors' names. */
export type StoredDtype = "F32" | "BF16" | "F16";

/** Bytes of one number. */
export const STORED_BYTES: Readonly<Record<StoredDtype, number>> = { F32: 4, BF16: 2, F16: 2 };

/** The bytes of numbers, each rounded once to the nearest, ties to even; what is too large becomes infinite. */
export function storedBytes(values: Float32Array, dtype: StoredDtype): Uint8Array {
  const stored = dtype === "F32" ? values : dtype === "F16" ? new Float16Array(values) : toBfloat16(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/**
 * Numbers of bytes, in float32, which holds all of them exactly.
 *
 * @param bytes A copy of its own, so that it is aligned.
 */
export function loadedNumbers(bytes: ArrayBuffer, dtype: StoredDtype): Float32Array<ArrayBuffer> {
  if (dtype === "F32") return new Float32Array(bytes);
  if (dtype === "F16") return new Float32Array(new Float16Array(bytes));
  const words = new Uint32Array(new Uint16Array(bytes)); // a loop, since a mapping function takes ten times as long
  for (let i = 0; i < words.length; i++) words[i]! <<= 16;
  return new Float32Array(words.buffer);
}

/** bfloat16 is float32's upper half. A NaN stays one whatever its lower half was. */
function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const stored = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!, upper = word >>> 16;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    stored[i] = isNaN ? upper | 0x40 : upper + ((word & 0xffff) + (upper & 1) > 0x8000 ? 1 : 0);
  }
  return stored;
}
