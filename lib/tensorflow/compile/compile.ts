/**
 * `compile(fn)`: a pure TF.js function traced once per input signature, then run by one native call.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { currentTensorFlow } from "../binding/backend.ts";
import { refuseAsync, refusePromise } from "../native/synchronous.ts";
import { TracedFunction } from "./_traced_function.ts";
import { type ExecutionMode, MODES } from "../native/trace.ts";

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

/** The shape of a tree: where its tensors stand. */
type Shape = null | Shape[] | { [name: string]: Shape };

/**
 * Compiles a synchronous function of tensors. It is traced at the first call with each signature (tree, shapes,
 * dtypes, precision policy and overrides, and the layer where there are overrides): its ops, gradients included, become
 * one TensorFlow function. Called while another function is compiled, it becomes a part of that one.
 *
 * The function must be pure: what it does besides computing its result happens only while it is traced. A `tf.Variable`
 * that it uses is read at every call. Other tensors and JavaScript values from outside are fixed when it is traced: pass
 * what changes as an argument.
 *
 * Gradients flow through a compiled function, by its arguments and its variables, to any order. The backward pass is
 * compiled too, and runs the function once more. Compile the whole training step to avoid that.
 *
 * Under `xla` an index out of range is not an error: XLA takes the nearest row. In graph mode it is.
 *
 * @param fn The function.
 * @param options Mode, name and donated arguments.
 * @throws {RangeError} for an unknown mode, or a place in `donate` that no argument has.
 * @throws {TypeError} for an async function; at a call, when the function reads a tensor's values, returns a promise or
 * makes a shape that depends on values, or when an argument holds what is no tensor.
 */
export function compile<A extends readonly TensorTree[], R extends TensorTree>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const label = options.name ?? (fn?.name || "the function");
  refuseAsync(`compile ${label}`, fn);
  const { mode = "graph", donate = [] } = options;
  checkMode(mode, label);
  checkPlaces(donate, { fn, label });
  const traced = new Map<string, TracedFunction<Shape>>();

  const run = (args: A): R => {
    const result = fn(...args);
    refusePromise(`compile ${label}`, result);
    return result;
  };
  const call = (...args: A): R => {
    const beyond = donate.find((place) => place >= args.length);
    if (beyond !== undefined) throw noArgument(beyond, { label, count: args.length });
    if (currentTensorFlow().binding.trace !== undefined) return run(args); // a part of the function being traced
    const inputs: tf.Tensor[] = [];
    const donated: tf.Tensor[] = [];
    const shape = args.map((arg, place) => {
      const first = inputs.length;
      const branch = flatten(arg, inputs, label);
      if (donate.includes(place)) { for (const input of inputs.slice(first)) donated.push(input); }
      return branch;
    });
    const key = JSON.stringify(shape);
    let traces = traced.get(key);
    if (traces === undefined) {
      const body = (inputs: tf.Tensor[]) => {
        const tensors: tf.Tensor[] = [];
        const extra = flatten(run(unflatten(shape, inputs) as unknown as A), tensors, label);
        return { tensors, extra };
      };
      traced.set(key, traces = new TracedFunction(body, { mode, label }));
    }
    const { tensors, extra } = traces.call(inputs, donated);
    return unflatten(extra, tensors) as R;
  };

  const dispose = () => {
    for (const traces of traced.values()) traces.dispose();
    traced.clear();
  };
  return Object.defineProperties(call as Compiled<A, R>, {
    traces: { get: () => traced.values().reduce((sum, { traces }) => sum + traces, 0) },
    dispose: { value: dispose },
    [Symbol.dispose]: { value: dispose },
  });
}

function checkMode(mode: string, label: string): void {
  if (MODES.includes(mode as ExecutionMode)) return;
  throw new RangeError(
    `Cannot compile ${label}: expected mode ${MODES.join(" or ")}, got ${JSON.stringify(mode)}.`,
  );
}

/** Checks places of donated arguments against the function's parameters, as far as those are known. */
function checkPlaces(
  places: unknown,
  { fn, label }: { fn: (...args: never[]) => unknown; label: string },
): void {
  if (!Array.isArray(places) || !places.every((place) => Number.isInteger(place) && place >= 0)) {
    throw new RangeError(
      `Cannot compile ${label}: expected donate to list places of arguments, whole numbers from 0, got ${
        JSON.stringify(places)
      }.`,
    );
  }
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  if (twice !== undefined) {
    throw new RangeError(`Cannot compile ${label}: expected each place in donate once, got ${twice} twice.`);
  }
  const beyond = places.find((place) => place >= fn.length);
  // Defaults and rest parameters do not count in a function's length: such a place is checked at the call.
  if (beyond === undefined || /\.\.\.|=(?!>)/.test(parametersOf(fn))) return;
  throw noArgument(beyond, { label, count: fn.length });
}

/** The source of a function's parameters: up to the parenthesis that closes them. */
function parametersOf(fn: (...args: never[]) => unknown): string {
  const source = fn.toString();
  if (/^\w+\s*=>/.test(source)) return "";
  let depth = 0;
  for (let at = source.indexOf("("); at < source.length; at++) {
    depth += source[at] === "(" ? 1 : source[at] === ")" ? -1 : 0;
    if (depth === 0) return source.slice(0, at);
  }
  return source;
}

function noArgument(place: number, { label, count }: { label: string; count: number }): RangeError {
  return new RangeError(
    `Cannot compile ${label}: expected donate to name an argument, got ${place} for a function of ${count}. ` +
      "Count arguments from 0.",
  );
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
