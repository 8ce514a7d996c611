/**
 * Fused functions: chains of elementwise ops and row sums that XLA compiles into one pass over memory. They run inside
 * a graph whose matrix products use TensorFlow's own kernels.
 *
 * A fused function is traced once per signature and process. Equal chains, such as the GELU of every layer, are
 * therefore compiled once. Compiling takes tens of milliseconds, and each call has an overhead of about 30
 * microseconds.
 *
 * In these cases, the ops run one by one: outside of a graph, in mode `xla`, on a GPU, and on little data. The choice
 * depends on shapes only, so that runs are reproducible.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { currentTensorFlow, type TensorFlowInternals } from "./backend.ts";
import { freeCaptures } from "./entry.ts";
import { POLICIES } from "./policy.ts";
import { elements } from "../native/c_values.ts";
import type { GraphValue } from "../native/graph_output.ts";
import { Trace } from "../native/trace.ts";
import { castTo } from "./true_dtype.ts";

/**
 * Default of the minimum number of input elements for compilation. With twice this number, steps of a model of 0.8
 * million parameters take 7 % longer. Half this number gains no speed and adds compilation time.
 */
const MIN_ELEMENTS = 2 ** 17;

/**
 * Maximum number of input elements for compilation before the first call: 16 MiB in float32. Such a compilation runs
 * the function on zeros.
 */
const MAX_ELEMENTS_AHEAD = 2 ** 22;

/** A function that is registered in TensorFlow's context, and its results. */
interface Inner {
  name: string;
  results: { dtype: number; shape: number[] }[];
}

/** Registered functions by name, options and signature, for each runtime. */
const made = new WeakMap<object, Map<string, Inner>>();
const names = new Set<string>();
/** Functions that have not been called yet, with the types and shapes of their inputs. */
const fresh: { runtime: object; inner: Inner; inputs: { dtype: number; shape: number[] }[] }[] = [];
let ahead = 0;

/**
 * Creates a function that XLA compiles if that is faster. It is compiled in a function compiled with mode `graph`, on
 * the CPU, for inputs of at least `minElements` elements. Otherwise its ops run one by one.
 *
 * @param name Unique name of the function.
 * @param body The computation. Its result must depend on its inputs and options only, because calls with equal types,
 * shapes and options share one trace. It runs under the policy `float32`, so it must cast explicitly.
 * @param limits `minElements`: minimum number of input elements for compilation (default: 2^17, suitable for chains of
 * about ten ops).
 * @returns The function. It may have any number of results. A compiled call has no gradient, so define the gradient with
 * `tf.customGrad`.
 * @throws {Error} If the name is in use.
 */
export function fused<O>(
  name: string,
  body: (inputs: tf.Tensor[], options: O) => tf.Tensor[],
  { minElements = MIN_ELEMENTS }: { minElements?: number } = {},
): (inputs: readonly tf.Tensor[], options: O) => tf.Tensor[] {
  if (names.has(name)) throw new Error(`Cannot make a fused function: expected an unused name, got ${name}.`);
  names.add(name);
  return (inputs, options) => {
    const tensorflow = currentTensorFlow();
    const { binding, backend } = tensorflow;
    const { trace } = binding;
    if (trace === undefined || !isFused(inputs, minElements)) {
      return binding.regions.withPolicy(POLICIES.float32, () => body([...inputs], options));
    }
    const values = backend.getInputTensorIds(inputs).map((id) => binding.symbolOf(id));
    const inner = innerFunction({ tensorflow, name, values, options, body });
    return trace.callCompiled(inner, values)
      .map((value) => backend.createOutputTensor(binding.ofSymbol(value)));
  };
}

/**
 * Returns true if a fused function of these inputs is compiled in the current mode. For a part of a batch, the inputs of
 * all parts count, so that the same functions are compiled as for the undivided batch.
 */
export function isFused(inputs: readonly tf.Tensor[], minElements: number = MIN_ELEMENTS): boolean {
  const { binding } = currentTensorFlow(), { parts } = binding.regions.current;
  return binding.trace?.mode === "graph" && !binding.isUsingGpuDevice() &&
    inputs.reduce((sum, { shape }) => sum + elements(shape), 0) * parts >= minElements;
}

function innerFunction<O>(call: {
  tensorflow: TensorFlowInternals;
  name: string;
  values: readonly GraphValue[];
  options: O;
  body: (inputs: tf.Tensor[], options: O) => tf.Tensor[];
}): Inner {
  const { runtime, binding, backend } = call.tensorflow;
  let functions = made.get(runtime);
  if (functions === undefined) made.set(runtime, functions = new Map());
  const key = JSON.stringify([
    call.name,
    call.options,
    call.values.map(({ dtype, shape }) => [dtype, shape]),
  ]);
  const known = functions.get(key);
  if (known !== undefined) return known;
  using trace = new Trace(runtime, { mode: "xla", firstId: binding.nextId });
  const outputs: GraphValue[] = [];
  const inputs = call.values.map(({ dtype, shape }) => trace.placeholder(dtype, shape));
  const { captures } = binding.withTrace(trace, () => {
    tf.tidy(() => {
      const tensors = inputs.map((symbol) => backend.createOutputTensor(binding.ofSymbol(symbol)));
      const results = binding.regions.withPolicy(POLICIES.float32, () => call.body(tensors, call.options));
      for (const id of backend.getInputTensorIds(results)) outputs.push(binding.symbolOf(id));
    });
  });
  if (captures.length > 0) {
    freeCaptures(runtime, captures);
    throw new Error(
      `Cannot fuse ${call.name}: expected its tensors as inputs, got a captured one. Pass it as an input.`,
    );
  }
  const name = `losskit_fused_${call.name}_${functions.size}`;
  trace.toFunction(name, { inputs, outputs });
  const inner = { name, results: outputs.map(({ dtype, shape }) => ({ dtype, shape })) };
  functions.set(key, inner);
  fresh.push({ runtime, inner, inputs: call.values.map(({ dtype, shape }) => ({ dtype, shape })) });
  return inner;
}

/**
 * Compiles all new fused functions in parallel, by calling each on zeros. XLA takes about 90 milliseconds of one core
 * for each. If they were compiled one by one within a step, the other cores would be idle.
 *
 * @param options `serial`: true if the function that calls them runs each op on one thread.
 * @internal
 */
export function compileAhead(
  { runtime, binding, backend }: TensorFlowInternals,
  { serial }: { serial: boolean },
): void {
  const functions = fresh.splice(0).filter((one) =>
    one.runtime === runtime &&
    one.inputs.reduce((sum, { shape }) => sum + elements(shape), 0) <= MAX_ELEMENTS_AHEAD
  );
  if (functions.length < 2) return;
  using trace = new Trace(runtime, { mode: "graph", firstId: binding.nextId });
  const placeholders = new Map<string, GraphValue>(), outputs: GraphValue[] = [];
  // Zeros that are inputs of the function. TensorFlow would turn zeros created inside into constants.
  const zerosOf = ({ dtype, shape }: { dtype: number; shape: number[] }) => {
    const key = `${dtype} ${shape}`;
    const known = placeholders.get(key) ?? trace.placeholder(dtype, shape);
    placeholders.set(key, known);
    return known;
  };
  const symbolOf = (tensor: tf.Tensor) => binding.symbolOf(backend.getInputTensorIds([tensor])[0]!);
  binding.withTrace(trace, () => {
    tf.tidy(() => {
      for (const { inner, inputs } of functions) {
        const [result] = trace.callCompiled(inner, inputs.map(zerosOf));
        const tensor = backend.createOutputTensor(binding.ofSymbol(result!));
        outputs.push(symbolOf(tf.slice(tf.reshape(tensor, [-1]), 0, 1)));
      }
    });
  });
  const name = `losskit_ahead_${ahead++}`, inputs = [...placeholders.values()];
  trace.toFunction(name, { inputs, outputs, serial });
  try {
    tf.tidy(() => {
      const zeros = inputs.map(({ dtype, shape }) => castTo(tf.fill(shape, 0), dtype));
      const handles = binding.execute(name, {
        inputs: backend.getInputTensorIds(zeros).map((id) => binding.handleOf(id)),
        attributes: [],
        numOutputs: outputs.length,
        describe: () => [],
      });
      for (const handle of handles) runtime.deleteHandle(handle);
    });
  } finally {
    runtime.removeFunction(name);
  }
}
