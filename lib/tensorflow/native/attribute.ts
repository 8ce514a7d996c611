/**
 * Op attributes in TF.js's form, and the native calls that set them on an eager op or a graph node.
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { OpDefinition } from "./op_definition.ts";
import { cString, type Pointer, toDims } from "./c_values.ts";
import type { Runtime } from "./runtime.ts";

/** Types of attributes: numbers of `TF_AttrType`, and losskit's own number FUNC for the name of a function. */
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

/** An attribute in the form of TF.js's `TFEOpAttr`. Lists and shapes are JavaScript arrays. */
export interface Attribute {
  /** Name of the attribute in the op's definition. */
  name: string;
  /** Type of the value, one of {@linkcode AttributeType}. */
  type: number;
  /** The value. */
  value: unknown;
}

const encoder = new TextEncoder();

/** The native setters that eager ops (`TFE_Op`) and graph nodes (`TF_OperationDescription`) share. */
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
  /** Sets a value of any type, given as a serialized `AttrValue`. */
  proto(target: Pointer, name: Uint8Array<ArrayBuffer>, value: Uint8Array<ArrayBuffer>, length: bigint): void;
}

/** Returns the setters of eager ops. */
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
    proto: (op, name, value, length) => cc.TFE_OpSetAttrValueProto(op, name, value, length, runtime.status),
  };
}

/** Returns the setters of graph nodes. */
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
    proto: (node, name, value, length) => cc.TF_SetAttrValueProto(node, name, value, length, runtime.status),
  };
}

/** Native setters of eager ops or of graph nodes. */
export type AttributeSetters = Setters;

/** TensorFlow's name of each attribute type, and a test of JavaScript values of the type. */
const KINDS: Readonly<Record<number, { kind: string; fits: (value: unknown) => boolean }>> = {
  [AttributeType.STRING]: { kind: "string", fits: (value) => typeof value === "string" },
  [AttributeType.INT]: { kind: "int", fits: (value) => typeof value === "number" && Number.isFinite(value) },
  [AttributeType.FLOAT]: { kind: "float", fits: (value) => typeof value === "number" },
  [AttributeType.BOOL]: { kind: "bool", fits: (value) => typeof value === "boolean" },
  [AttributeType.TYPE]: { kind: "type", fits: (value) => Number.isInteger(value) },
  [AttributeType.SHAPE]: { kind: "shape", fits: (value) => Array.isArray(value) },
  [AttributeType.FUNC]: { kind: "func", fits: (value) => typeof value === "string" },
};

/**
 * Validates a call of an op before native code receives it. For a value of the wrong type, C code would read out of
 * bounds.
 *
 * @param op Name of the op.
 * @param call Attributes, number of results, and TensorFlow's definition of the op.
 * @throws {TypeError} If the op does not have an attribute, or a value has the wrong type.
 */
export function checkCall(
  op: string,
  call: { attributes: readonly Attribute[]; numOutputs: number; definition: OpDefinition },
): void {
  if (!Array.isArray(call.attributes) || !Number.isInteger(call.numOutputs) || call.numOutputs < 0) {
    throw new TypeError(
      `Cannot run ${op}: expected a list of attributes and a number of results, got ` +
        `${JSON.stringify(call.attributes)} and ${call.numOutputs}.`,
    );
  }
  for (const { name, type, value } of call.attributes) {
    const wanted = call.definition.attributes.get(name);
    if (wanted === undefined && name.startsWith("_")) continue; // no definition lists internal attributes
    const known = KINDS[type];
    const isList = wanted === `list(${known?.kind})`;
    const fits = known !== undefined &&
      (isList ? Array.isArray(value) && value.every(known.fits) : wanted === known.kind && known.fits(value));
    if (fits) continue;
    throw new TypeError(
      `Cannot run ${op}: expected ${
        wanted === undefined
          ? `no attribute ${name} (the op has none of that name)`
          : `the attribute ${name} as ${wanted}`
      }, ` +
        `got ${JSON.stringify(value)} as ${known?.kind ?? `TF_AttrType ${type}`}.`,
    );
  }
}

/**
 * Sets an attribute.
 *
 * @param target The eager op or graph node.
 * @param attribute The attribute to set.
 * @param setters {@linkcode eagerSetters} for an eager op, {@linkcode graphSetters} for a graph node.
 * @throws {TypeError} If the attribute's type is not supported, or the value has another type.
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
      // TF.js computes some integers by division, for instance a kernel size. Drop the fraction.
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
      if (list) return setters.proto(target, name, ...withSize(listProto(list.map(functionProto))));
      return setters.func(target, name, ...withLength(String(value)));
    case AttributeType.SHAPE:
      if (list?.some(Array.isArray)) {
        return setters.proto(target, name, ...withSize(listProto(list.map(shapeProto))));
      }
      if (list) return setters.shape(target, name, toDims(list), list.length);
  }
  throw new TypeError(
    `Cannot set the attribute ${attribute.name}: expected a string, int, float, bool, type, function or shape ` +
      `(TF_AttrType 0 to 5 or 8), got TF_AttrType ${attribute.type} with ${JSON.stringify(value)}.`,
  );
}

function withLength(text: string): [Uint8Array<ArrayBuffer>, bigint] {
  const bytes = encoder.encode(text + "\0");
  return [bytes, BigInt(bytes.length - 1)];
}

function withSize(bytes: Uint8Array<ArrayBuffer>): [Uint8Array<ArrayBuffer>, bigint] {
  return [bytes, BigInt(bytes.length)];
}

/** Field numbers of `AttrValue`, `AttrValue.ListValue`, `TensorShapeProto`, its `Dim`, and `NameAttrList`. */
const LIST = 1, LIST_SHAPE = 7, LIST_FUNC = 9, DIM = 2, SIZE = 1, FUNC_NAME = 1;

/** Serializes an `AttrValue` that holds a list. `shapeProto` or `functionProto` writes each entry. */
function listProto(entries: ((list: BinaryWriter) => void)[]): Uint8Array<ArrayBuffer> {
  const value = new BinaryWriter();
  const list = value.tag(LIST, WireType.LengthDelimited).fork();
  for (const write of entries) write(list);
  return Uint8Array.from(list.join().finish());
}

function shapeProto(dims: number[]): (list: BinaryWriter) => void {
  return (list) => {
    const shape = list.tag(LIST_SHAPE, WireType.LengthDelimited).fork();
    for (const size of dims) {
      shape.tag(DIM, WireType.LengthDelimited).fork().tag(SIZE, WireType.Varint).int64(size).join();
    }
    shape.join();
  };
}

function functionProto(name: string): (list: BinaryWriter) => void {
  return (list) => {
    list.tag(LIST_FUNC, WireType.LengthDelimited).fork()
      .tag(FUNC_NAME, WireType.LengthDelimited).string(name).join();
  };
}

function setStrings(
  target: Pointer,
  name: Uint8Array<ArrayBuffer>,
  { strings, setters }: { strings: string[]; setters: Setters },
): void {
  const bytes = strings.map(cString); // the cache of cString keeps the bytes alive during the call
  const addresses = BigUint64Array.from([
    ...bytes.map((b) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(b))),
    0n,
  ]);
  const lengths = BigUint64Array.from([...bytes.map((b) => BigInt(b.length - 1)), 0n]);
  setters.strings(target, name, addresses, lengths, strings.length);
}
