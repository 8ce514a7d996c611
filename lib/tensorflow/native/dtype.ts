/**
 * TensorFlow's element types by the numbers of its C API (`TF_DataType` in `tf_datatype.h`).
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

/** Bytes per element of the types whose elements have a fixed size. */
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

/** Bytes of one element, or undefined where elements have no fixed size (strings, resources). */
export function elementBytes(dtype: number): number | undefined {
  return SIZES[dtype];
}

/** The name a reader knows: `float32`, `bfloat16`, `int32`; a number it does not know is shown as it is. */
export function dtypeName(dtype: number): string {
  return NAMES.get(dtype) ?? `TF_DataType ${dtype}`;
}

/** Whether a policy may move values of this type between precisions. */
export function isFloating(dtype: number): boolean {
  return dtype === DataType.FLOAT || dtype === DataType.BFLOAT16 || dtype === DataType.HALF;
}
