/**
 * A graph under construction. While a function is traced, TF.js's calls become nodes of the graph. The graph becomes a
 * TensorFlow function.
 *
 * This file handles nodes and shapes. `binding.ts` presents the nodes to TF.js as tensors, and `compile.ts` starts
 * traces.
 *
 * @module
 */
import { type AttributeSetters, AttributeType, graphSetters, setAttribute } from "./attribute.ts";
import { GraphSize } from "./op_size.ts";
import { type GraphValue, toOutput, toOutputs } from "./graph_output.ts";
import { GraphNodes, type GraphOp, toPointers } from "./graph_nodes.ts";
import { cString, elements, type Pointer, toDims } from "./c_values.ts";
import { DataType, elementBytes } from "./dtype.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Execution mode of a traced function. `graph`: TensorFlow's kernels run op by op. `xla`: XLA compiles the function.
 */
export type ExecutionMode = "graph" | "xla";

/** All execution modes. */
export const MODES: readonly ExecutionMode[] = ["graph", "xla"];

/** Returns the type, shape and bytes of a constant as text. */
function constantKey(dtype: number, shape: readonly number[], bytes: ArrayBuffer): string {
  return `${dtype} ${shape} ${new Uint8Array(bytes)}`;
}

/** Key of the float32 scalar 1. */
const FLOAT32_ONE = constantKey(DataType.FLOAT, [], Float32Array.of(1).buffer);

/** Maximum size in bytes of constants that can share a node with an equal constant. */
const MAX_SHARED_BYTES = 256;

/**
 * A graph under construction while a function is traced. Dispose of it after creating the function.
 *
 * TensorFlow runs every node at each call, needed or not, in half a microsecond or more. Functions therefore get only
 * the nodes on which their results depend. Equal small constants share a node. An identity returns its input. A reshape
 * to the shape of its input also returns its input, and a product with the float32 scalar 1 the other factor.
 */
export class Trace implements Disposable {
  /** Execution mode of the finished function. Some operations select their ops by mode. */
  readonly mode: ExecutionMode;
  readonly #runtime: Runtime;
  readonly #graph: Pointer;
  readonly #setters: AttributeSetters;
  /**
   * First tensor number of this trace. Tensors from this number on were created during the trace and become constants
   * of the graph.
   */
  readonly firstId: number;
  #nodes = 0;
  readonly #size = new GraphSize();
  /** The smallest number of parts into which a large batch is divided. 0 without large batches. */
  #parts = 0;
  readonly #inputs = new Set<GraphValue>();
  readonly #body = new GraphNodes();
  /** Nodes of small constants, by type, shape and bytes. */
  readonly #constants = new Map<string, GraphValue>();
  /** The input of each reshape, by the reshape's result. */
  readonly #reshaped = new Map<GraphValue, GraphValue>();

  /**
   * Creates an empty graph.
   *
   * @param runtime The runtime that owns the graph.
   * @param options The execution mode, and the next tensor number of the binding.
   */
  constructor(runtime: Runtime, options: { mode: ExecutionMode; firstId: number }) {
    if (options.mode === "xla") runtime.readXlaFlags();
    this.#runtime = runtime;
    this.mode = options.mode;
    this.firstId = options.firstId;
    this.#graph = runtime.cc.TF_NewGraph();
    this.#setters = graphSetters(runtime);
  }

  /** Number of nodes in the graph. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Notes into how many parts a large batch is divided, 1 for an undivided one. */
  noteBatch(parts: number): void {
    this.#parts = this.#parts === 0 ? parts : Math.min(this.#parts, parts);
  }

  /** True if one thread per op is enough: all ops are small, or the parts of every large batch occupy all threads. */
  get isSerial(): boolean {
    return this.#size.isSmall || this.#parts > 1 && this.#parts >= this.#runtime.threads;
  }

  /** True if the function is faster with its ops one after the other on one thread. False if ops run on a GPU. */
  get isSequential(): boolean {
    return this.mode === "graph" && !this.#runtime.usesGpu && this.#size.isSequential;
  }

  /** Adds an input of the function. */
  placeholder(dtype: number, shape: readonly number[]): GraphValue {
    const node = this.#begin("Placeholder");
    this.#runtime.cc.TF_SetAttrType(node, cString("dtype"), dtype);
    this.#runtime.cc.TF_SetAttrShape(node, cString("shape"), toDims(shape), shape.length);
    const [input] = this.#finish(node, { op: "Placeholder", inputs: [], outputs: 1 });
    this.#inputs.add(input!);
    return input!;
  }

  /** Returns a constant with the value of an eager handle. */
  constant(handle: Pointer, dtype: number): GraphValue {
    const key = this.#constantKey(handle, dtype);
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const value = this.#addConstant(handle, dtype);
    if (key !== undefined) this.#constants.set(key, value);
    return value;
  }

  /** Returns the type, shape and bytes of a constant as text. Undefined for large constants and strings. */
  #constantKey(handle: Pointer, dtype: number): string | undefined {
    const { shape } = this.#runtime.describe(handle);
    const bytes = (elementBytes(dtype) ?? Infinity) * elements(shape);
    if (bytes > MAX_SHARED_BYTES) return undefined;
    return constantKey(dtype, shape, this.#runtime.memory.readBytes(handle));
  }

  #addConstant(handle: Pointer, dtype: number): GraphValue {
    const { cc, status } = this.#runtime;
    return this.#runtime.memory.withTensor(handle, (tensor) => {
      const node = this.#begin("Const");
      cc.TF_SetAttrType(node, cString("dtype"), dtype);
      cc.TF_SetAttrTensor(node, cString("value"), tensor, status);
      this.#runtime.check({ op: "Const" });
      return this.#finish(node, { op: "Const", inputs: [], outputs: 1 })[0]!;
    });
  }

  /**
   * Adds an op, and returns its results.
   *
   * @throws {TensorFlowError} If TensorFlow rejects the op.
   * @throws {TypeError} If a result's shape depends on data.
   */
  add(op: GraphOp): GraphValue[] {
    if (op.name === "Identity") return [op.inputs[0]!];
    if (op.name === "Reshape") return [this.#reshape(op)];
    const factor = op.name === "Mul" ? this.#factorOfOne(op.inputs) : undefined;
    return factor === undefined ? this.#add(op) : [factor];
  }

  /** Returns the other factor of a product with the float32 scalar 1. Undefined for other products. */
  #factorOfOne([a, b]: readonly GraphValue[]): GraphValue | undefined {
    const one = this.#constants.get(FLOAT32_ONE); // equal constants share a node
    return one === undefined ? undefined : b === one ? a : a === one ? b : undefined;
  }

  /**
   * Adds a reshape. If the input is itself the result of a reshape, the original tensor is reshaped instead. Returns
   * the original tensor if it already has the shape.
   */
  #reshape(op: GraphOp): GraphValue {
    const [given, shape] = op.inputs as [GraphValue, GraphValue];
    const source = this.#reshaped.get(given) ?? given;
    const [result] = this.#add({ ...op, inputs: [source, shape] });
    if (String(result!.shape) === String(source.shape)) return source; // no result needs the new node
    this.#reshaped.set(result!, source);
    return result!;
  }

  #add(op: GraphOp): GraphValue[] {
    const { cc } = this.#runtime;
    const node = this.#begin(op.name);
    let next = 0;
    for (const [i, input] of op.definition.inputs.entries()) {
      if (input.numberAttribute === undefined && input.typeListAttribute === undefined) {
        cc.TF_AddInput(node, toOutput(op.inputs[next++]!));
        continue;
      }
      // A list takes all inputs except the single ones that follow it. No op of TF.js has two lists.
      const after = op.definition.inputs.length - i - 1;
      const list = op.inputs.slice(next, op.inputs.length - after);
      next += list.length;
      cc.TF_AddInputList(node, toOutputs(list), list.length);
    }
    for (const attribute of op.attributes) {
      // TensorFlow counts the inputs of a list itself and rejects an explicit count.
      if (op.definition.inputs.some((input) => input.numberAttribute === attribute.name)) continue;
      setAttribute(node, attribute, this.#setters);
    }
    const results = this.#finish(node, { op: op.name, outputs: op.outputs, inputs: op.inputs });
    this.#size.add(op.name, { inputs: op.inputs, results });
    return results;
  }

  /**
   * Adds a call of a registered function. XLA compiles the function when it first runs.
   *
   * @param fn Name of the function, and types and shapes of its results.
   * @param inputs Inputs of the function, in order.
   */
  callCompiled(
    fn: { name: string; results: readonly { dtype: number; shape: readonly number[] }[] },
    inputs: readonly GraphValue[],
  ): GraphValue[] {
    const { cc, status } = this.#runtime;
    const node = this.#begin("StatefulPartitionedCall");
    cc.TF_AddInputList(node, toOutputs(inputs), inputs.length);
    const types = fn.results.map(({ dtype }) => dtype);
    const attributes = [
      { name: "Tout", type: AttributeType.TYPE, value: types },
      { name: "f", type: AttributeType.FUNC, value: fn.name },
      { name: "_XlaMustCompile", type: AttributeType.BOOL, value: true },
    ];
    for (const attribute of attributes) setAttribute(node, attribute, this.#setters);
    const operation = cc.TF_FinishOperation(node, status);
    this.#runtime.check({ op: fn.name, inputs: () => inputs.map(({ shape }) => `[${shape}]`) });
    this.#body.add(operation, inputs);
    this.#size.add(fn.name, { inputs, results: fn.results });
    return fn.results.map(({ dtype, shape }, index) => {
      const output = { operation, index, dtype, shape: [...shape], op: fn.name };
      // TensorFlow does not infer shapes through a function's name.
      cc.TF_GraphSetTensorShape(this.#graph, toOutput(output), toDims(shape), shape.length, status);
      this.#runtime.check({ op: fn.name });
      return output;
    });
  }

  #begin(op: string): Pointer {
    return this.#runtime.cc.TF_NewOperation(this.#graph, cString(op), cString(`n${this.#nodes++}`));
  }

  #finish(
    node: Pointer,
    made: { op: string; outputs: number; inputs: readonly GraphValue[] },
  ): GraphValue[] {
    const { cc, status } = this.#runtime;
    const operation = cc.TF_FinishOperation(node, status);
    this.#runtime.check({ op: made.op, inputs: () => made.inputs.map((s) => `[${s.shape}]`) });
    if (made.op !== "Placeholder") this.#body.add(operation, made.inputs);
    return Array.from({ length: made.outputs }, (_, index) => {
      const bare = { operation, index, dtype: 0, shape: [], op: made.op };
      const output = toOutput(bare);
      const dtype = cc.TF_OperationOutputType(output);
      return { ...bare, dtype, shape: this.#shapeOf(output, made.op) };
    });
  }

  #shapeOf(output: Uint8Array<ArrayBuffer>, op: string): number[] {
    const { cc, status } = this.#runtime;
    const rank = cc.TF_GraphGetTensorNumDims(this.#graph, output, status);
    this.#runtime.check({ op });
    const dims = new BigInt64Array(Math.max(1, rank));
    if (rank > 0) {
      cc.TF_GraphGetTensorShape(this.#graph, output, dims, rank, status);
      this.#runtime.check({ op });
    }
    const shape = Array.from(dims.subarray(0, Math.max(0, rank)), Number);
    if (rank < 0 || shape.some((size) => size < 0)) {
      throw new TypeError(
        `Cannot compile ${op}: expected a result whose shape follows from the shapes of the inputs, ` +
          "got one that depends on their values. Call the op outside of the compiled function.",
      );
    }
    return shape;
  }

  /**
   * Registers the graph as a function.
   *
   * @param name A name that the process has not used before.
   * @param ends Placeholders and results, in order. `serial`: true to run each op on one thread (default: false).
   */
  toFunction(
    name: string,
    ends: { inputs: readonly GraphValue[]; outputs: readonly GraphValue[]; serial?: boolean },
  ): void {
    const { cc, status } = this.#runtime;
    const { inputs, serial = false } = ends;
    const outputs = this.#ownNodes(ends.outputs);
    const nodes = this.#body.neededFor(outputs);
    const made = cc.TF_GraphToFunction(
      this.#graph,
      cString(name),
      0,
      nodes.length,
      toPointers(nodes),
      inputs.length,
      toOutputs(inputs),
      outputs.length,
      toOutputs(outputs),
      null,
      null,
      null,
      status,
    );
    this.#runtime.check({ op: "TF_GraphToFunction" });
    try {
      this.#runtime.addFunction(name, made, { serial });
    } finally {
      cc.TF_DeleteFunction(made); // contexts keep their own references
    }
  }

  /**
   * Returns the outputs of a function, with an identity node for each output that is also an input or another output.
   * TensorFlow requires a separate node for each.
   */
  #ownNodes(outputs: readonly GraphValue[]): GraphValue[] {
    const taken = new Set(this.#inputs);
    return outputs.map((output) => {
      if (!taken.has(output)) {
        taken.add(output);
        return output;
      }
      const node = this.#begin("Identity");
      this.#runtime.cc.TF_AddInput(node, toOutput(output));
      return this.#finish(node, { op: "Identity", inputs: [output], outputs: 1 })[0]!;
    });
  }

  /** Frees the graph. */
  [Symbol.dispose](): void {
    this.#runtime.cc.TF_DeleteGraph(this.#graph);
  }
}
