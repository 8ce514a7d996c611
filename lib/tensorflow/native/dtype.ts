/**
 * TensorFlow's element types, by the numbers of its C API (`TF_DataType` in `tf_datatype.h`).
 *
 * @module
 */

/** `TF_DataType` numbers. */
export const DataType = {
  FLOAT: 1,
  DOUBLE: 2,
  INT32: 3,
  UINT8: 4,
  STRING: 7,
  COMPLEX64: 8,
  INT64: 9,
  BOOL: 10,
  BFLOAT16: 14,
  HALF: 19,
  RESOURCE: 20,
} as const;

/** Bytes per element, for types of fixed size. */
const SIZES: Readonly<Record<number, number>> = {
  [DataType.FLOAT]: 4,
  [DataType.DOUBLE]: 8,
  [DataType.INT32]: 4,
  [DataType.UINT8]: 1,
  [DataType.COMPLEX64]: 8,
  [DataType.INT64]: 8,
  [DataType.BOOL]: 1,
  [DataType.BFLOAT16]: 2,
  [DataType.HALF]: 2,
};

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(DataType).map(([name, code]) => [code, name === "FLOAT" ? "float32" : name.toLowerCase()]),
);

/** Returns the number of bytes of one element. Undefined for types without a fixed size (strings, resources). */
export function elementBytes(dtype: number): number | undefined {
  return SIZES[dtype];
}

/** Returns the usual name of a type, such as `bfloat16`. For an unknown type, returns its number as text. */
export function dtypeName(dtype: number): string {
  return NAMES.get(dtype) ?? `TF_DataType ${dtype}`;
}

/** Returns true for floating types, which precision policies may cast. */
export function isFloating(dtype: number): boolean {
  return dtype === DataType.FLOAT || dtype === DataType.BFLOAT16 || dtype === DataType.HALF;
}
