/**
 * The binding below TF.js's Node backend. It holds tensors by number and runs ops by name.
 *
 * TF.js itself supports float32 only. The binding tracks each tensor's true type, which may be bfloat16, and reports
 * float32 to TF.js. During tracing, a tensor can be a symbol of the graph. The binding inserts the casts of the active
 * policy before each op, as PyTorch's dispatcher does. Gradients therefore follow the same rules.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { EagerOps, type Op } from "./_eager_ops.ts";
import { BindingConstants, TensorMetadata } from "./constants.ts";
import { type HostValues, toBytes, toValues, withTypes } from "./conversions.ts";
import { type Attribute, checkCall } from "../native/attribute.ts";
import { NOT_WIDENED, type Widening, wideningOf } from "../native/bfloat16_support.ts";
import { DataType, isFloating } from "../native/dtype.ts";
import type { EagerCall } from "../native/eager_call.ts";
import { OpDefinitions } from "../native/op_definition.ts";
import { decideCasts } from "./policy.ts";
import { Regions } from "./region.ts";
import { elements, type Pointer } from "../native/c_values.ts";
import type { Runtime } from "../native/runtime.ts";
import { SavedModels } from "./saved_model.ts";
import { TensorFlowError } from "../native/tensorflow_error.ts";
import type { GraphValue } from "../native/graph_output.ts";
import type { Trace } from "../native/trace.ts";
import {
  type Capture,
  castOp,
  copyStrings,
  disposedTensor,
  type Entry,
  freeCaptures,
  IDENTITY,
  operandOf,
  type OpWatcher,
  requireSizes,
  requireValues,
  SIZES_INPUT,
  staleSymbol,
  unreadableSymbol,
} from "./entry.ts";

/** Implementation of TF.js's interface `TFJSBinding` on TensorFlow's C API. */
export class Binding extends BindingConstants {
  /** TensorFlow's version. */
  readonly TF_Version: string;

  /** The active precision region and its changes. */
  readonly regions: Regions = new Regions();

  /** Receiver of every eager op after it ran. Default: none. */
  opWatcher: OpWatcher | undefined;

  readonly #runtime: Runtime;
  readonly #widening: Widening;
  readonly #definitions: OpDefinitions;
  readonly #eager: EagerOps;
  readonly #entries = new Map<number, Entry>();
  readonly #savedModels: SavedModels;
  #next = 1;
  #trace: Trace | undefined;
  #captures = new Map<number, Capture>();

  /**
   * Creates a binding without tensors.
   *
   * @param runtime The TensorFlow that runs the ops.
   * @param widening Products of bfloat16 numbers that run in float32. Default: as the CPU requires.
   */
  constructor(runtime: Runtime, widening: Widening = wideningOf(runtime)) {
    super();
    this.#runtime = runtime;
    this.#widening = widening;
    this.#definitions = new OpDefinitions(runtime);
    this.#eager = new EagerOps(runtime, this.#definitions);
    this.#savedModels = new SavedModels(runtime);
    this.TF_Version = runtime.version;
  }

  /** The trace that records ops. Undefined if no function is being traced. */
  get trace(): Trace | undefined {
    return this.#trace;
  }

  /**
   * Runs `work` and records its ops in a trace. An outer trace is paused meanwhile, and its values cannot be used in
   * `work`.
   *
   * @returns The result of `work`, and the eager tensors and variables that it used, with their placeholders. The
   * caller owns their handles.
   */
  withTrace<R>(
    trace: Trace,
    work: () => R,
  ): { result: R; captures: Capture[] } {
    const outer = { trace: this.#trace, captures: this.#captures };
    this.#trace = trace;
    this.#captures = new Map();
    let traced = false;
    try {
      const result = work();
      traced = true;
      return { result, captures: [...this.#captures.values()] };
    } finally {
      if (!traced) freeCaptures(this.#runtime, this.#captures.values());
      this.#trace = outer.trace;
      this.#captures = outer.captures;
    }
  }

  #put(entry: Omit<Entry, "activation">): number {
    const id = this.#next++;
    this.#entries.set(id, { ...entry, activation: this.regions.current.policy.lowType !== undefined });
    return id;
  }

  #get(id: number): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw disposedTensor(`tensor ${id}`);
    return entry;
  }

  /** Creates a tensor from JavaScript values. Called by TF.js. */
  createTensor(shape: number[], dtype: number, values: HostValues): number {
    requireValues({ shape, dtype, values });
    const handle = dtype === DataType.STRING
      ? copyStrings(this, this.#runtime, { shape, values: values as readonly Uint8Array[] })
      : this.#runtime.memory.handleOfBytes({ dtype, shape, bytes: toBytes(dtype, values) });
    // While tracing, the tensor is eager too. It becomes a constant of the graph when an op uses it.
    return this.#put({ dtype, shape: [...shape], handle });
  }

  /** Frees a tensor. Called by TF.js. */
  deleteTensor(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    for (const cast of entry.casts?.values() ?? []) this.deleteTensor(cast);
    if (entry.handle !== undefined) this.#runtime.deleteHandle(entry.handle);
  }

  /** Reads a tensor. bfloat16 and float16 values are converted to float32, which is exact. Called by TF.js. */
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array | Uint8Array[] {
    const entry = this.#get(id);
    if (entry.handle === undefined) throw unreadableSymbol(entry);
    if (entry.dtype === DataType.BFLOAT16 || entry.dtype === DataType.HALF) {
      const cast = this.#eager.run(castOp(entry.dtype, DataType.FLOAT), [entry])[0]!;
      const bytes = this.#runtime.memory.readBytes(cast.handle);
      this.#runtime.deleteHandle(cast.handle);
      return new Float32Array(bytes);
    }
    if (entry.dtype === DataType.STRING) {
      return this.#runtime.memory.readStrings(entry.handle, elements(entry.shape));
    }
    return toValues(entry.dtype, this.#runtime.memory.readBytes(entry.handle));
  }

  /** Runs an op with the casts that the policy requires. Called by TF.js. */
  executeOp(name: string, attributes: Attribute[], ids: number[], numOutputs: number): TensorMetadata[] {
    checkCall(name, { attributes, numOutputs, definition: this.#definitions.get(name) });
    const operands = ids.map((id) => operandOf(this.#get(id)));
    this.#checkSizes(name, ids);
    const usesOwnKernels = this.#trace?.mode !== "xla"; // XLA has its own form
    const casts = decideCasts(this.regions.current.policy, { name, inputs: operands, attributes }, {
      widening: usesOwnKernels ? this.#widening : NOT_WIDENED,
      usesCpuKernels: usesOwnKernels && !this.#runtime.usesGpu,
    });
    const { widened, results: rounded = widened } = casts;
    const temporary: number[] = [];
    const inputs = casts.inputs === undefined ? ids : this.#castAll(ids, casts.inputs, temporary);
    const run = () => {
      const operands = widened === undefined ? inputs : this.#castAll(inputs, DataType.FLOAT, temporary);
      return this.#run({ name, attributes, numOutputs }, operands).map((id) => {
        if (rounded === undefined || this.#get(id).dtype !== DataType.FLOAT) return id;
        temporary.push(id);
        return this.#cast(id, rounded);
      });
    };
    const results = widened === undefined ? run() : this.#watchedAsOne({ name, inputs }, run);
    for (const id of temporary) this.deleteTensor(id);
    return results.map((id) => this.metadata(id));
  }

  /** Runs several ops that are one op for the watcher. */
  #watchedAsOne(op: { name: string; inputs: number[] }, run: () => number[]): number[] {
    const watcher = this.opWatcher;
    this.opWatcher = undefined;
    try {
      const results = run();
      watcher?.take({ ...op, results });
      return results;
    } finally {
      this.opWatcher = watcher;
    }
  }

  #checkSizes(op: string, ids: readonly number[]): void {
    const id = ids[SIZES_INPUT.get(op) ?? -1], entry = id === undefined ? undefined : this.#get(id);
    if (entry?.handle === undefined || entry.dtype !== DataType.INT32) return;
    requireSizes(op, this.tensorDataSync(id!));
  }

  /** Returns a tensor's metadata for TF.js. 16-bit floating types are reported as float32. */
  metadata(id: number): TensorMetadata {
    const { dtype, shape } = this.#get(id);
    return new TensorMetadata(id, [...shape], isFloating(dtype) ? DataType.FLOAT : dtype);
  }

  /** Marks a tensor as a JavaScript number. In type promotion, other tensors then take precedence. */
  markWeak(id: number): void {
    this.#get(id).weak = true;
  }

  /** Returns a tensor's true type. */
  dtypeOf(id: number): number {
    return this.#get(id).dtype;
  }

  /** Creates a copy of a tensor in another floating type. If the type is the same, the copy shares its memory. */
  castTo(id: number, dtype: number): number {
    return this.#get(id).dtype === dtype ? this.#run(IDENTITY, [id])[0]! : this.#cast(id, dtype);
  }

  #cast(id: number, dtype: number): number {
    return this.#run(castOp(this.#get(id).dtype, dtype), [id])[0]!;
  }

  /** Returns the inputs of an op, with the floating ones cast to another type. */
  #castAll(ids: readonly number[], dtype: number, temporary: number[]): number[] {
    return ids.map((id) => isFloating(this.#get(id).dtype) ? this.#castFor(id, dtype, temporary) : id);
  }

  /**
   * Returns an input cast to another type. Casts of weights and casts in a graph are cached. Casts of eager activations
   * are freed after the op.
   */
  #castFor(id: number, dtype: number, temporary: number[]): number {
    const entry = this.#get(id);
    if (entry.dtype === dtype) return id;
    const kept = entry.casts?.get(dtype);
    if (kept !== undefined) {
      const usable = this.#get(kept).handle !== undefined || this.#get(kept).trace === this.#trace;
      if (usable) return kept;
      this.deleteTensor(kept); // the cached value belongs to a finished graph
      entry.casts?.delete(dtype);
    }
    const cast = this.#cast(id, dtype);
    if (this.#trace === undefined && entry.activation) temporary.push(cast);
    else (entry.casts ??= new Map()).set(dtype, cast);
    return cast;
  }

  #run(op: Op, ids: number[]): number[] {
    const entries = ids.map((id) => this.#get(id));
    if (this.#trace === undefined) {
      const results = this.#eager.run(op, entries).map((result) => this.#put(result));
      this.opWatcher?.take({ name: op.name, inputs: ids, results });
      return results;
    }
    const trace = this.#trace;
    const definition = this.#definitions.get(op.name);
    const symbols = trace.add({
      name: op.name,
      definition,
      attributes: withTypes(op.attributes, definition, entries),
      inputs: ids.map((id) => this.symbolOf(id)),
      outputs: op.numOutputs,
    });
    return symbols.map((symbol) => this.#put({ dtype: symbol.dtype, shape: symbol.shape, symbol, trace }));
  }

  /**
   * Runs an op or a function on eager handles. The caller owns the results.
   *
   * @throws {TensorFlowError} If the call fails. The error names the op and its inputs.
   */
  execute(name: string, call: EagerCall): Pointer[] {
    return this.#eager.calls.execute(name, call);
  }

  /**
   * Tries to run an eager op, even during a trace, and reads its first result.
   *
   * @returns The float32 values. Undefined if TensorFlow rejects the op.
   */
  probe(name: string, attributes: readonly Attribute[], ids: readonly number[]): Float32Array | undefined {
    try {
      const results = this.#eager.run({ name, attributes, numOutputs: 1 }, ids.map((id) => this.#get(id)));
      const values = new Float32Array(this.#runtime.memory.readBytes(results[0]!.handle));
      for (const { handle } of results) this.#runtime.deleteHandle(handle);
      return values;
    } catch (error) {
      if (error instanceof TensorFlowError) return undefined;
      throw error;
    }
  }

  /** Returns a tensor's graph value: its symbol, a constant created during the trace, or a captured eager tensor. */
  symbolOf(id: number): GraphValue {
    const trace = this.#trace;
    const entry = this.#get(id);
    if (trace === undefined) throw new Error("Cannot take a graph value: expected a trace, got none.");
    if (entry.symbol !== undefined && entry.trace === trace) return entry.symbol;
    if (entry.handle === undefined && entry.variable === undefined) throw staleSymbol(entry);
    if (id >= trace.firstId && entry.handle !== undefined) {
      entry.symbol = trace.constant(entry.handle, entry.dtype);
      entry.trace = trace;
      return entry.symbol;
    }
    let capture = this.#captures.get(id);
    if (capture === undefined) {
      const symbol = trace.placeholder(entry.dtype, entry.shape);
      // The capture has its own handle, so that the caller may dispose of the tensor while the function exists.
      capture = entry.handle === undefined
        ? { id, symbol, variable: entry.variable! }
        : { id, symbol, handle: this.#runtime.shareHandle(entry.handle) };
      this.#captures.set(id, capture);
    }
    return capture.symbol;
  }

  /** Number that the next tensor gets. A trace that starts now treats tensors from this number on as constants. */
  get nextId(): number {
    return this.#next;
  }

  /** Creates a tensor for a graph value, such as an input of the function being traced. */
  ofSymbol(symbol: GraphValue): TensorMetadata {
    return this.metadata(this.#put({
      dtype: symbol.dtype,
      shape: symbol.shape,
      symbol,
      ...(this.#trace && { trace: this.#trace }),
    }));
  }

  /** Creates a placeholder for a variable in a trace. If an op uses it, it becomes an input. */
  ofVariable(variable: tf.Variable, id: number): TensorMetadata {
    const { dtype, shape } = this.#get(id);
    return this.metadata(this.#put({ dtype, shape, variable }));
  }

  /** Creates a tensor from an eager handle and takes ownership of the handle. */
  ofHandle(handle: Pointer, like: { dtype: number; shape: readonly number[] }): TensorMetadata {
    return this.metadata(this.#put({ handle, dtype: like.dtype, shape: [...like.shape] }));
  }

  /** Returns a tensor's eager handle. The binding keeps ownership. */
  handleOf(id: number): Pointer {
    const entry = this.#get(id);
    if (entry.handle === undefined) throw staleSymbol(entry);
    return entry.handle;
  }

  /** Number of native ops and functions that have run. */
  get executions(): number {
    return this.#eager.calls.count;
  }

  /** Loads a SavedModel and returns its number. Commas separate the tags. Called by TF.js. */
  loadSavedModel(directory: string, tags: string): number {
    return this.#savedModels.load(directory, tags);
  }

  /** Frees a SavedModel. Called by TF.js. */
  deleteSavedModel(id: number): void {
    this.#savedModels.delete(id);
  }

  /** Runs a SavedModel. Commas separate the names of nodes. Called by TF.js. */
  runSavedModel(id: number, ids: number[], inputNames: string, outputNames: string): TensorMetadata[] {
    return this.#savedModels.run(id, {
      inputs: ids.map((input) => this.handleOf(input)),
      inputNames: inputNames.split(","),
      outputNames: outputNames.split(","),
    }).map((handle) => this.ofHandle(handle, this.#runtime.describe(handle)));
  }

  /** Returns the number of loaded SavedModels. Called by TF.js. */
  getNumOfSavedModels(): number {
    return this.#savedModels.count;
  }

  /** Returns true if ops run on a GPU by default. Called by TF.js. */
  isUsingGpuDevice(): boolean {
    return this.#runtime.usesGpu;
  }

  /** Returns the number of tensors, including cached casts. Called by TF.js. */
  getNumOfTensors(): number {
    return this.#entries.size;
  }
}
