/**
 * `compile(fn)`: a pure TF.js function traced once per input signature, then run by one native call.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeType } from "./attribute.ts";
import { currentTensorFlow, type TensorFlow } from "./backend.ts";
import { dtypeName } from "./dtype.ts";
import type { Pointer } from "./runtime.ts";
import { layerOfTrace } from "./scope.ts";
import { withoutSideEffects } from "./_pure.ts";
import { compileAhead } from "./fused.ts";
import { type ExecutionMode, type GraphValue, Trace } from "./trace.ts";

/** Tensors in records and arrays, nested as one likes. */
export type TensorTree = tf.Tensor | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** How a function is compiled. */
export interface CompileOptions {
  /** `graph` (default) runs TensorFlow's kernels op by op; `xla` compiles the whole. */
  mode?: ExecutionMode;
  /**
   * Places of arguments, from 0, whose tensors the call takes: they are disposed of, and their memory may become that
   * of results, such as of the next weights. After a call that failed they are gone too. Default: none.
   */
  donate?: readonly number[];
  /** A name for messages. Default: the function's. */
  name?: string;
}

/** A compiled function: called as the original is, freed by `dispose` (or `using`). */
export interface Compiled<A extends readonly TensorTree[], R extends TensorTree> extends Disposable {
  (...args: A): R;
  /** How many signatures were traced. */
  readonly traces: number;
  /** Frees every trace; a later call traces anew. */
  dispose(): void;
}

/** A traced signature. */
interface Traced {
  name: string;
  captures: Pointer[];
  outputs: { dtype: number; shape: number[] }[];
  tree: Shape;
}

/** The shape of a tree: where its tensors stand. */
type Shape = null | Shape[] | { [name: string]: Shape };

let functions = 0;

/**
 * Compiles a synchronous function of tensors. It is traced at the first call with each signature (tree, shapes,
 * dtypes, precision policy and overrides, and the layer where there are overrides): its ops, gradients included, become
 * one TensorFlow function. It must be pure: what it does besides computing its result happens only while it is traced,
 * and tensors it uses that are not its arguments are fixed then. Called while another function is compiled, it becomes a part of that one.
 *
 * Under `xla` an index out of range is not an error: XLA takes the nearest row. In graph mode it is.
 *
 * @param fn The function.
 * @param options Mode and name.
 * @throws {TypeError} at a call, when the function reads a tensor's values, is asynchronous, or makes a shape that
 * depends on values; when an argument holds what is no tensor.
 */
export function compile<A extends readonly TensorTree[], R extends TensorTree>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const mode = options.mode ?? "graph";
  const label = options.name ?? (fn.name || "the function");
  const traced = new Map<string, Traced>();

  const call = (...args: A): R => {
    const tensorflow = currentTensorFlow();
    const { binding, backend } = tensorflow;
    if (binding.trace !== undefined) return fn(...args); // a part of the function being traced
    const inputs: tf.Tensor[] = [];
    const owners: boolean[] = []; // whether the tensor's argument is donated
    const shape = args.map((arg, place) => {
      const branch = flatten(arg, inputs, label);
      while (owners.length < inputs.length) owners.push(options.donate?.includes(place) ?? false);
      return branch;
    });
    const ids = backend.getInputTensorIds(inputs);
    const types = inputs.map((tensor, i) => `${dtypeName(binding.dtypeOf(ids[i]!))}[${tensor.shape}]`);
    const { policy } = binding.regions.current;
    const signature = JSON.stringify([
      ...[policy.name, policy.overrides ?? [], layerOfTrace(binding.regions.current)],
      ...[shape, types],
    ]);
    let entry = traced.get(signature);
    if (entry === undefined) {
      entry = traceFunction(fn, { tensorflow, shape, inputs, ids, mode, label });
      traced.set(signature, entry);
    }
    const { outputs, name, captures } = entry;
    const donated = inputs.filter((_, i) => owners[i]!);
    const results = binding.execute(name, {
      release: () => tf.dispose(donated),
      inputs: [...ids.map((id) => binding.handleOf(id)), ...captures],
      attributes: mode === "xla" ? MUST_COMPILE : [],
      numOutputs: outputs.length,
      describe: () => types,
    });
    const tensors = results.map((handle, i) =>
      backend.createOutputTensor(binding.ofHandle(handle, outputs[i]!))
    );
    return unflatten(entry.tree, tensors) as R;
  };

  const dispose = () => {
    const { runtime } = currentTensorFlow();
    for (const entry of traced.values()) removeFunction(entry, runtime);
    traced.clear();
  };
  return Object.defineProperties(call as Compiled<A, R>, {
    traces: { get: () => traced.size },
    dispose: { value: dispose },
    [Symbol.dispose]: { value: dispose },
  });
}

const MUST_COMPILE: readonly Attribute[] = [{
  name: "_XlaMustCompile",
  type: AttributeType.BOOL,
  value: true,
}];

function removeFunction(entry: Traced, runtime: TensorFlow["runtime"]): void {
  runtime.removeFunction(entry.name);
  for (const handle of entry.captures) runtime.deleteHandle(handle);
}

function traceFunction<A extends readonly TensorTree[], R extends TensorTree>(
  fn: (...args: A) => R,
  call: {
    tensorflow: TensorFlow;
    shape: Shape;
    inputs: readonly tf.Tensor[];
    ids: readonly number[];
    mode: ExecutionMode;
    label: string;
  },
): Traced {
  const { binding, backend, runtime } = call.tensorflow;
  using trace = new Trace(runtime, { mode: call.mode, firstId: binding.nextId });
  const placeholders: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  let tree: Shape = null;
  const { captures } = binding.withTrace(trace, () => {
    tf.tidy(() => {
      const args = call.inputs.map((tensor, i) => {
        const symbol = trace.placeholder(binding.dtypeOf(call.ids[i]!), tensor.shape);
        placeholders.push(symbol);
        return backend.createOutputTensor(binding.ofSymbol(symbol));
      });
      const result = withoutSideEffects(call.label, () => fn(...unflatten(call.shape, args) as unknown as A));
      if (result instanceof Promise) {
        throw new TypeError(
          `Cannot compile ${call.label}: wanted a function that returns tensors, given an async one`,
        );
      }
      const tensors: tf.Tensor[] = [];
      tree = flatten(result, tensors, call.label);
      for (const id of backend.getInputTensorIds(tensors)) {
        // A function may not hand an input straight through: Identity gives every result a node of its own.
        const metadata = binding.executeOp("Identity", [], [id], 1)[0]!;
        outputs.push(binding.symbolOf(metadata.id));
        binding.deleteTensor(metadata.id);
      }
    });
  });
  const handles = captures.map((capture) => capture.handle);
  const name = `losskit_${functions++}`;
  try {
    compileAhead(call.tensorflow);
    trace.toFunction(name, { inputs: [...placeholders, ...captures.map((c) => c.symbol)], outputs });
  } catch (error) {
    for (const handle of handles) runtime.deleteHandle(handle);
    throw error;
  }
  return { name, captures: handles, outputs: outputs.map(({ dtype, shape }) => ({ dtype, shape })), tree };
}

function flatten(tree: TensorTree, into: tf.Tensor[], label: string): Shape {
  if (tree instanceof tf.Tensor) {
    into.push(tree);
    return null;
  }
  if (Array.isArray(tree)) return tree.map((branch) => flatten(branch, into, label));
  if (typeof tree === "object" && tree !== null && Object.getPrototypeOf(tree) === Object.prototype) {
    return Object.fromEntries(
      Object.entries(tree).map(([name, branch]) => [name, flatten(branch, into, label)]),
    );
  }
  throw new TypeError(
    `Cannot compile ${label}: its arguments and results must be tensors, in arrays or records: given ${
      String(tree)
    }`,
  );
}

function unflatten(shape: Shape, tensors: readonly tf.Tensor[]): TensorTree {
  let next = 0;
  const build = (branch: Shape): TensorTree => {
    if (branch === null) return tensors[next++]!;
    if (Array.isArray(branch)) return branch.map(build);
    return Object.fromEntries(Object.entries(branch).map(([name, inner]) => [name, build(inner)]));
  };
  return build(shape);
}
