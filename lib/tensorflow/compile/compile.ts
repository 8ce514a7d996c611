/**
 * `compile(fn)`: traces a pure TF.js function once per input signature, then runs it as a single native call.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { optionNames, requireKnownNames } from "../../error/known_names.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { refuseAsync, refusePromise } from "../native/synchronous.ts";
import { TracedFunction } from "./_traced_function.ts";
import { type ExecutionMode, MODES } from "../native/trace.ts";

/** A tensor, or arrays and records of tensors, nested to any depth. */
export type TensorTree = tf.Tensor | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** Options of {@linkcode compile}. */
export interface CompileOptions {
  /** Execution mode. `graph` (default): TensorFlow's kernels run op by op. `xla`: XLA compiles the whole function. */
  mode?: "graph" | "xla";
  /**
   * Indices of arguments that each call frees, counted from 0. Results may reuse their memory, for example new weights
   * that of the old ones. A failed call also frees the arguments. Default: none.
   */
  donate?: readonly number[];
  /** Name for error messages. Default: the function's name. */
  name?: string;
}

/** Names of the options. */
const NAMES = optionNames<CompileOptions>({ mode: true, donate: true, name: true });

/** A compiled function. Call it like the original function. `dispose` or `using` frees it. */
export interface Compiled<A extends readonly TensorTree[], R extends TensorTree> extends Disposable {
  (...args: A): R;
  /** Number of traced signatures. */
  readonly traces: number;
  /** Frees all traces. A later call traces again. */
  dispose(): void;
}

/** The structure of a {@linkcode TensorTree}, with null for each tensor. */
type Shape = null | Shape[] | { [name: string]: Shape };

/**
 * Compiles a synchronous function of tensors. The first call with each signature traces the function's ops, gradients
 * included, into one TensorFlow function. Later calls with the same signature run that function.
 *
 * A signature consists of the arguments' structure (arrays and records), their shapes and dtypes, the precision policy
 * and its overrides. With overrides or a recipe, the layer of the call ({@linkcode layerScope}) is also part of the
 * signature. If a compiled function calls another one, the inner function becomes part of the outer trace.
 *
 * The function must be pure: side effects happen only during tracing. A `tf.Variable` is read at every call. Other
 * outside tensors and JavaScript values are constants, so pass changing values as arguments.
 *
 * Gradients of any order flow through a compiled function to its arguments and variables. The backward pass is compiled
 * too, and runs the function once more. To avoid the second run, compile the whole training step.
 *
 * Ops whose results are not used do not run. In mode `graph`, an index out of range throws. In mode `xla`, it does not: XLA uses the nearest row.
 *
 * @param fn The function.
 * @param options Mode, name and donated arguments.
 * @returns The compiled function. It throws a TypeError if `fn` reads a tensor's values, has side effects, returns a
 * promise, or makes a shape that depends on values. It also throws a TypeError if an argument contains a value that is
 * not a tensor.
 * @throws {RangeError} If an option or the mode is unknown, or an index in `donate` has no argument.
 * @throws {TypeError} If the function is async.
 */
export function compile<A extends readonly TensorTree[], R extends TensorTree>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const label = options.name ?? (fn?.name || "the function");
  requireKnownNames(options, NAMES, `compile ${label}`);
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
    if (currentTensorFlow().binding.trace !== undefined) return run(args); // part of the outer function being traced
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

/** Validates the indices of donated arguments against the function's parameters, if their number is known. */
function checkPlaces(
  places: unknown,
  { fn, label }: { fn: (...args: never[]) => unknown; label: string },
): void {
  if (!Array.isArray(places) || !places.every((place) => Number.isInteger(place) && place >= 0)) {
    throw new RangeError(
      `Cannot compile ${label}: expected donate to list indices of arguments, integers from 0, got ${
        JSON.stringify(places)
      }.`,
    );
  }
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  if (twice !== undefined) {
    throw new RangeError(`Cannot compile ${label}: expected each index in donate once, got ${twice} twice.`);
  }
  const beyond = places.find((place) => place >= fn.length);
  // A function's length excludes default and rest parameters. Their indices are checked at the call.
  if (beyond === undefined || /\.\.\.|=(?!>)/.test(parametersOf(fn))) return;
  throw noArgument(beyond, { label, count: fn.length });
}

/** Returns the source text of a function's parameters, up to the closing parenthesis. */
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
    `Cannot compile ${label}: expected an index in donate with an argument, got ${place} for a function of ${count}. ` +
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
    `Cannot compile ${label}: expected arguments and results of tensors, in arrays or records, got ${
      String(tree)
    }.`,
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
