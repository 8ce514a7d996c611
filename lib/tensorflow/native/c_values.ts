/**
 * Values that C functions accept: pointers, strings, dimensions.
 *
 * @module
 */

/** A native pointer, null for C's NULL. */
export type Pointer = Deno.PointerValue;

/** Bytes that C functions accept. Their buffer is not a SharedArrayBuffer. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** Cached C strings by name. Names of ops and attributes recur at every call. */
const cStrings = new Map<string, Bytes>();

/** Returns a NUL-terminated copy of a name, cached for the life of the process. */
export function cString(text: string): Bytes {
  let bytes = cStrings.get(text);
  if (bytes === undefined) cStrings.set(text, bytes = encoder.encode(text + "\0"));
  return bytes;
}

/** Returns the number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Returns a shape as C's `int64_t` array. The array has at least one entry, because an empty array has no address. */
export function toDims(shape: readonly number[]): BigInt64Array<ArrayBuffer> {
  const dims = new BigInt64Array(Math.max(1, shape.length));
  shape.forEach((size, i) => dims[i] = BigInt(size));
  return dims;
}
