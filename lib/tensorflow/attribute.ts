/**
 * Op attributes as TF.js writes them, and their setting on an eager op or on a graph node.
 *
 * @module
 */
import { cString, type Pointer, type Runtime, toDims } from "./runtime.ts";

/** `TF_AttrType` numbers, and one of our own for the name of a function. */
export const AttributeType = {
  STRING: 0,
  INT: 1,
  FLOAT: 2,
  BOOL: 3,
  TYPE: 4,
  SHAPE: 5,
  FUNC: 8,
  RESOURCE: 9,
} as const;

/** An attribute: TF.js's `TFEOpAttr`. A list is given as an array (a shape is an array already). */
export interface Attribute {
  /** The attribute's name in the op's definition. */
  name: string;
  /** One of {@linkcode AttributeType}. */
  type: number;
  /** Its value, of the type that `type` says. */
  value: unknown;
}

const encoder = new TextEncoder();

/** The native setters that an eager op (`TFE_Op`) and a graph node (`TF_OperationDescription`) have in common. */
interface Setters {
  string(
    target: Pointer,
    name: Uint8Array<ArrayBuffer>,
    value: Uint8Array<ArrayBuffer>,
    length: bigint,
  ): void;
  strings(
    target: Pointer,
    name: Uint8Array<ArrayBuffer>,
    values: BufferSource,
    lengths: BufferSource,
    count: number,
  ): void;
  int(target: Pointer, name: Uint8Array<ArrayBuffer>, value: bigint): void;
  ints(target: Pointer, name: Uint8Array<ArrayBuffer>, values: BufferSource, count: number): void;
  float(target: Pointer, name: Uint8Array<ArrayBuffer>, value: number): void;
  floats(target: Pointer, name: Uint8Array<ArrayBuffer>, values: BufferSource, count: number): void;
  bool(target: Pointer, name: Uint8Array<ArrayBuffer>, value: number): void;
  bools(target: Pointer, name: Uint8Array<ArrayBuffer>, values: BufferSource, count: number): void;
  type(target: Pointer, name: Uint8Array<ArrayBuffer>, value: number): void;
  types(target: Pointer, name: Uint8Array<ArrayBuffer>, values: BufferSource, count: number): void;
  shape(target: Pointer, name: Uint8Array<ArrayBuffer>, dims: BufferSource, rank: number): void;
  func(target: Pointer, name: Uint8Array<ArrayBuffer>, value: Uint8Array<ArrayBuffer>, length: bigint): void;
}

/** The setters of eager ops. */
export function eagerSetters(runtime: Runtime): Setters {
  const { cc } = runtime;
  return {
    string: cc.TFE_OpSetAttrString,
    strings: cc.TFE_OpSetAttrStringList,
    int: cc.TFE_OpSetAttrInt,
    ints: cc.TFE_OpSetAttrIntList,
    float: cc.TFE_OpSetAttrFloat,
    floats: cc.TFE_OpSetAttrFloatList,
    bool: cc.TFE_OpSetAttrBool,
    bools: cc.TFE_OpSetAttrBoolList,
    type: cc.TFE_OpSetAttrType,
    types: cc.TFE_OpSetAttrTypeList,
    shape: (op, name, dims, rank) => cc.TFE_OpSetAttrShape(op, name, dims, rank, runtime.status),
    func: cc.TFE_OpSetAttrFunctionName,
  };
}

/** The setters of graph nodes. */
export function graphSetters(runtime: Runtime): Setters {
  const { cc } = runtime;
  return {
    string: cc.TF_SetAttrString,
    strings: cc.TF_SetAttrStringList,
    int: cc.TF_SetAttrInt,
    ints: cc.TF_SetAttrIntList,
    float: cc.TF_SetAttrFloat,
    floats: cc.TF_SetAttrFloatList,
    bool: cc.TF_SetAttrBool,
    bools: cc.TF_SetAttrBoolList,
    type: cc.TF_SetAttrType,
    types: cc.TF_SetAttrTypeList,
    shape: cc.TF_SetAttrShape,
    func: cc.TF_SetAttrFuncName,
  };
}

/** Setters of one kind of target. */
export type AttributeSetters = Setters;

/**
 * Sets one attribute.
 *
 * @param target The eager op or graph node.
 * @param attribute What to set.
 * @param setters {@linkcode eagerSetters} or {@linkcode graphSetters}, as the target is.
 * @throws {TypeError} for a type of attribute that cannot be set, or a value that does not fit it.
 */
export function setAttribute(target: Pointer, attribute: Attribute, setters: Setters): void {
  const name = cString(attribute.name);
  const { value } = attribute;
  const list = Array.isArray(value) ? value : undefined;
  switch (attribute.type) {
    case AttributeType.TYPE:
      if (list) setters.types(target, name, Int32Array.from([...list, 0]), list.length);
      else setters.type(target, name, Number(value));
      return;
    case AttributeType.BOOL:
      if (list) setters.bools(target, name, Uint8Array.from([...list.map(Number), 0]), list.length);
      else setters.bool(target, name, value ? 1 : 0);
      return;
    case AttributeType.INT:
      // TF.js computes some integers in floating point (a kernel size from a division): the fraction is dropped.
      if (list) setters.ints(target, name, toDims(list.map(Math.trunc)), list.length);
      else setters.int(target, name, BigInt(Math.trunc(Number(value))));
      return;
    case AttributeType.FLOAT:
      if (list) setters.floats(target, name, Float32Array.from([...list, 0]), list.length);
      else setters.float(target, name, Number(value));
      return;
    case AttributeType.STRING:
      if (list) return setStrings(target, name, { strings: list.map(String), setters });
      return setters.string(target, name, ...withLength(String(value)));
    case AttributeType.FUNC:
      return setters.func(target, name, ...withLength(String(value)));
    case AttributeType.SHAPE:
      if (list) return setters.shape(target, name, toDims(list), list.length);
  }
  throw new TypeError(
    `Cannot set the attribute ${attribute.name}: wanted a string, int, float, bool, type, function or shape ` +
      `(TF_AttrType 0 to 5 or 8): given TF_AttrType ${attribute.type} with ${JSON.stringify(value)}`,
  );
}

function withLength(text: string): [Uint8Array<ArrayBuffer>, bigint] {
  const bytes = encoder.encode(text + "\0");
  return [bytes, BigInt(bytes.length - 1)];
}

function setStrings(
  target: Pointer,
  name: Uint8Array<ArrayBuffer>,
  { strings, setters }: { strings: string[]; setters: Setters },
): void {
  const bytes = strings.map(cString); // kept by its cache, so that no collection moves them under the call
  const addresses = BigUint64Array.from([
    ...bytes.map((b) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(b))),
    0n,
  ]);
  const lengths = BigUint64Array.from([...bytes.map((b) => BigInt(b.length - 1)), 0n]);
  setters.strings(target, name, addresses, lengths, strings.length);
}
