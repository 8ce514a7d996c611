/**
 * TensorFlow's definitions of ops: their attributes, and their inputs with the attributes that describe them.
 *
 * The definitions come from the registry of the loaded library (`OpDef` in `op_def.proto`). They therefore match its
 * version.
 *
 * @module
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { cString } from "./c_values.ts";
import type { Runtime } from "./runtime.ts";

/** An input of an op. At most one of the attributes is set. None is set if the input's type is fixed. */
export interface InputDefinition {
  /** Name of the attribute that holds the input's type. */
  typeAttribute?: string;
  /** Name of the attribute that holds the number of tensors, if the input is a list of tensors of one type. */
  numberAttribute?: string;
  /** Name of the attribute that lists the types of the tensors, if the input is a list of tensors of several types. */
  typeListAttribute?: string;
}

/** Inputs and attributes of an op. */
export interface OpDefinition {
  /** Inputs of the op, in order. */
  inputs: InputDefinition[];
  /** TensorFlow's name of each attribute's type (`type`, `int`, `list(shape)`), by the attribute's name. */
  attributes: ReadonlyMap<string, string>;
}

/** Looks up and caches op definitions. */
export class OpDefinitions {
  readonly #runtime: Runtime;
  readonly #found = new Map<string, OpDefinition>();

  /**
   * Creates an empty cache.
   *
   * @param runtime The runtime that provides the registry.
   */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Returns the definition of an op.
   *
   * @throws {TensorFlowError} If TensorFlow has no such op.
   */
  get(op: string): OpDefinition {
    let definition = this.#found.get(op);
    if (definition === undefined) this.#found.set(op, definition = this.#read(op));
    return definition;
  }

  #read(op: string): OpDefinition {
    if (op === "Abort") {
      throw new TypeError(
        "Cannot run Abort: expected an op that returns, got TensorFlow's op that ends the process. Use another op.",
      );
    }
    const { cc, status } = this.#runtime;
    const graph = cc.TF_NewGraph();
    const buffer = cc.TF_NewBuffer();
    try {
      cc.TF_GraphGetOpDef(graph, cString(op), buffer, status);
      this.#runtime.check({ op });
      const struct = new DataView(cc.TF_GetBuffer(buffer).buffer);
      const length = Number(struct.getBigUint64(8, true));
      const data = Deno.UnsafePointer.create(struct.getBigUint64(0, true));
      return parseOpDefinition(new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data!, length)));
    } finally {
      cc.TF_DeleteBuffer(buffer);
      cc.TF_DeleteGraph(graph);
    }
  }
}

/** Field numbers of `OpDef`, `OpDef.ArgDef` and `OpDef.AttrDef`. */
const INPUT_ARG = 2,
  ATTR = 4,
  ATTR_NAME = 1,
  ATTR_TYPE = 2,
  TYPE_ATTR = 4,
  NUMBER_ATTR = 5,
  TYPE_LIST_ATTR = 6;

/** Parses the inputs and attributes of a serialized `OpDef`. */
export function parseOpDefinition(bytes: Uint8Array): OpDefinition {
  const inputs: InputDefinition[] = [];
  const attributes = new Map<string, string>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === INPUT_ARG) inputs.push(parseInput(reader.bytes()));
    else if (field === ATTR) attributes.set(...parseAttribute(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return { inputs, attributes };
}

function parseInput(bytes: Uint8Array): InputDefinition {
  const input: InputDefinition = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === TYPE_ATTR) input.typeAttribute = reader.string();
    else if (field === NUMBER_ATTR) input.numberAttribute = reader.string();
    else if (field === TYPE_LIST_ATTR) input.typeListAttribute = reader.string();
    else reader.skip(wireType, field);
  }
  return input;
}

function parseAttribute(bytes: Uint8Array): [name: string, kind: string] {
  const attribute: [string, string] = ["", ""];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === ATTR_NAME) attribute[0] = reader.string();
    else if (field === ATTR_TYPE) attribute[1] = reader.string();
    else reader.skip(wireType, field);
  }
  return attribute;
}
