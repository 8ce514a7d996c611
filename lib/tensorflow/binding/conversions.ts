/**
 * From what TF.js says to what TensorFlow needs: host values as bytes, and the types of attributes.
 *
 * @module
 */
import type { Attribute } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import type { OpDefinition } from "../native/op_definition.ts";

/** What TF.js hands over as a tensor's values. */
export type HostValues = Float32Array | Int32Array | Uint8Array | readonly (Uint8Array | number | boolean)[];

/** Replaces the types that TF.js wrote by those that the inputs really have. */
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

/** The bytes of host values, in the type that the tensor has. */
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

/** Host values of a tensor's bytes, in the array that TF.js has for its type. */
export function toValues(dtype: number, bytes: ArrayBuffer): Float32Array | Int32Array | Uint8Array {
  if (dtype === DataType.FLOAT || dtype === DataType.COMPLEX64) return new Float32Array(bytes);
  if (dtype === DataType.INT32) return new Int32Array(bytes);
  if (dtype === DataType.INT64) return Int32Array.from(new BigInt64Array(bytes), Number);
  return new Uint8Array(bytes);
}
