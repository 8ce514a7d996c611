/**
 * Conversion between float32 numbers and their stored bytes: 4 or 2 bytes per number, little-endian.
 *
 * @module
 */

/** Type in which numbers are stored, as safetensors names it: `F32` float32, `BF16` bfloat16, `F16` float16. */
export type StoredDtype = "F32" | "BF16" | "F16";

/** Bytes per number. */
export const STORED_BYTES: Readonly<Record<StoredDtype, number>> = { F32: 4, BF16: 2, F16: 2 };

/** Encodes numbers. Each is rounded once, to nearest, ties to even. Numbers beyond the type's range become ±Inf. */
export function storedBytes(values: Float32Array, dtype: StoredDtype): Uint8Array {
  const stored = dtype === "F32" ? values : dtype === "F16" ? new Float16Array(values) : toBfloat16(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/**
 * Decodes stored numbers to float32. The conversion is exact.
 *
 * @param bytes A buffer that holds only these bytes, so that the numbers are aligned.
 */
export function loadedNumbers(bytes: ArrayBuffer, dtype: StoredDtype): Float32Array<ArrayBuffer> {
  if (dtype === "F32") return new Float32Array(bytes);
  if (dtype === "F16") return new Float32Array(new Float16Array(bytes));
  const words = new Uint32Array(new Uint16Array(bytes)); // then a loop: a mapping function is ten times slower
  for (let i = 0; i < words.length; i++) words[i]! <<= 16;
  return new Float32Array(words.buffer);
}

/** Rounds to bfloat16, the upper half of a float32. NaN stays NaN, whatever its lower half. */
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
