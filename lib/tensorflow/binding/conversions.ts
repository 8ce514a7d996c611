/**
 * Conversions from TF.js to TensorFlow: JavaScript values to bytes, and the types in attributes.
 *
 * @module
 */
import type { Attribute } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import type { OpDefinition } from "../native/op_definition.ts";

/** Values of a tensor, in the form that TF.js passes. */
export type HostValues = Float32Array | Int32Array | Uint8Array | readonly (Uint8Array | number | boolean)[];

/** Returns TF.js's attributes with each type replaced by the true type of the input that has it. */
export function withTypes(
  attributes: readonly Attribute[],
  definition: OpDefinition,
  inputs: readonly { readonly dtype: number }[],
): readonly Attribute[] {
  const types = new Map<string, number>();
  let next = 0;
  for (const [i, input] of definition.inputs.entries()) {
    const entry = inputs[next];
    if (entry !== undefined && input.typeAttribute !== undefined) types.set(input.typeAttribute, entry.dtype);
    const isList = input.numberAttribute !== undefined || input.typeListAttribute !== undefined;
    next += isList ? Math.max(0, inputs.length - next - (definition.inputs.length - i - 1)) : 1;
  }
  return attributes.map((attribute) => {
    const dtype = types.get(attribute.name);
    return dtype === undefined || dtype === attribute.value ? attribute : { ...attribute, value: dtype };
  });
}

/** Converts JavaScript values to bytes of the tensor's type. */
export function toBytes(dtype: number, values: HostValues): Uint8Array {
  const numbers = values as ArrayLike<number>;
  let typed: ArrayBufferView;
  if (dtype === DataType.FLOAT || dtype === DataType.COMPLEX64) {
    typed = values instanceof Float32Array ? values : Float32Array.from(numbers);
  } else if (dtype === DataType.INT32) {
    typed = values instanceof Int32Array ? values : Int32Array.from(numbers);
  } else if (ArrayBuffer.isView(values)) typed = values;
  else typed = Uint8Array.from(numbers);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}

/** Converts a tensor's bytes to the typed array that TF.js uses for the type. */
export function toValues(dtype: number, bytes: ArrayBuffer): Float32Array | Int32Array | Uint8Array {
  if (dtype === DataType.FLOAT || dtype === DataType.COMPLEX64) return new Float32Array(bytes);
  if (dtype === DataType.INT32) return new Int32Array(bytes);
  if (dtype === DataType.INT64) return Int32Array.from(new BigInt64Array(bytes), Number);
  return new Uint8Array(bytes);
}
