/**
 * A graph under construction. TF.js's calls become nodes, and the graph becomes a TensorFlow function.
 *
 * This file handles nodes and shapes. `binding.ts` presents the nodes to TF.js, and `compile.ts` starts the traces.
 *
 * @module
 */
import {
  type Attribute,
  type AttributeSetters,
  AttributeType,
  graphSetters,
  setAttribute,
} from "./attribute.ts";
import type { OpDefinition } from "./op_definition.ts";
import { isSmallOp } from "./op_size.ts";
import { type GraphOutput, toOutput, toOutputs } from "./graph_output.ts";
import { cString, type Pointer, toDims } from "./c_values.ts";
import type { Runtime } from "./runtime.ts";

/** Execution mode of a traced function: op by op in graph order, or compiled by XLA. */
export type ExecutionMode = "graph" | "xla";

/** All execution modes. */
export const MODES: readonly ExecutionMode[] = ["graph", "xla"];

/** An output of a node, with its type and shape. */
export interface GraphValue extends GraphOutput {
  /** `TF_DataType`. */
  readonly dtype: number;
  /** Static shape. */
  readonly shape: number[];
  /** The op that produced the output, for error messages. */
  readonly op: string;
}

/** A graph under construction while a function is traced. Dispose of it after creating the function. */
export class Trace implements Disposable {
  /** The execution mode of the finished function. Some operations choose their ops by mode. */
  readonly mode: ExecutionMode;
  readonly #runtime: Runtime;
  readonly #graph: Pointer;
  readonly #setters: AttributeSetters;
  /**
   * The first tensor number of this trace. Tensors with this number or a higher one were created during the trace and
   * become constants of the graph.
   */
  readonly firstId: number;
  #nodes = 0;
  #isSmall = true;

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

  /** True if no op gains from several threads within it. */
  get isSmall(): boolean {
    return this.#isSmall;
  }

  /** Adds an input of the function. */
  placeholder(dtype: number, shape: readonly number[]): GraphValue {
    const node = this.#begin("Placeholder");
    this.#runtime.cc.TF_SetAttrType(node, cString("dtype"), dtype);
    this.#runtime.cc.TF_SetAttrShape(node, cString("shape"), toDims(shape), shape.length);
    return this.#finish(node, { op: "Placeholder", outputs: 1 })[0]!;
  }

  /** Adds a constant with the value of an eager handle. */
  constant(handle: Pointer, dtype: number): GraphValue {
    const { cc, status } = this.#runtime;
    return this.#runtime.memory.withTensor(handle, (tensor) => {
      const node = this.#begin("Const");
      cc.TF_SetAttrType(node, cString("dtype"), dtype);
      cc.TF_SetAttrTensor(node, cString("value"), tensor, status);
      this.#runtime.check({ op: "Const" });
      return this.#finish(node, { op: "Const", outputs: 1 })[0]!;
    });
  }

  /**
   * Adds an op.
   *
   * @param op The op's name, definition, attributes, inputs in order, and number of outputs.
   * @throws {TensorFlowError} If TensorFlow rejects the op.
   * @throws {TypeError} If a result's shape depends on data.
   */
  add(op: {
    name: string;
    definition: OpDefinition;
    attributes: readonly Attribute[];
    inputs: readonly GraphValue[];
    outputs: number;
  }): GraphValue[] {
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
    this.#measure(op.name, op.inputs, results);
    return results;
  }

  /**
   * Adds a call of a function registered in the context. XLA compiles the function at its first run.
   *
   * @param fn The function's name, and the types and shapes of its results.
   * @param inputs The inputs, in order.
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
    this.#measure(fn.name, inputs, fn.results);
    return fn.results.map(({ dtype, shape }, index) => {
      const output = { operation, index, dtype, shape: [...shape], op: fn.name };
      // TensorFlow does not infer shapes through a function's name.
      cc.TF_GraphSetTensorShape(this.#graph, toOutput(output), toDims(shape), shape.length, status);
      this.#runtime.check({ op: fn.name });
      return output;
    });
  }

  #measure(
    op: string,
    inputs: readonly { readonly shape: readonly number[] }[],
    results: readonly { readonly shape: readonly number[] }[],
  ): void {
    const shapes = (values: readonly { readonly shape: readonly number[] }[]) =>
      values.map(({ shape }) => shape);
    this.#isSmall &&= isSmallOp(op, { inputs: shapes(inputs), results: shapes(results) });
  }

  #begin(op: string): Pointer {
    return this.#runtime.cc.TF_NewOperation(this.#graph, cString(op), cString(`n${this.#nodes++}`));
  }

  #finish(
    node: Pointer,
    made: { op: string; outputs: number; inputs?: readonly GraphValue[] },
  ): GraphValue[] {
    const { cc, status } = this.#runtime;
    const operation = cc.TF_FinishOperation(node, status);
    this.#runtime.check({ op: made.op, inputs: () => (made.inputs ?? []).map((s) => `[${s.shape}]`) });
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
   * @param name A name not yet used in the process.
   * @param ends The placeholders and the results, in order. `serial`: whether each op runs on one thread (default: false).
   */
  toFunction(
    name: string,
    ends: { inputs: readonly GraphValue[]; outputs: readonly GraphValue[]; serial?: boolean },
  ): void {
    const { cc, status } = this.#runtime;
    const { inputs, outputs, serial = false } = ends;
    const made = cc.TF_GraphToFunction(
      this.#graph,
      cString(name),
      0,
      -1,
      null,
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

  /** Frees the graph. */
  [Symbol.dispose](): void {
    this.#runtime.cc.TF_DeleteGraph(this.#graph);
  }
}
