/**
 * Fused functions: chains of elementwise ops and row sums that XLA makes one pass over memory of, inside of a graph
 * whose matrix products stay TensorFlow's own.
 *
 * A fused function is traced once per signature and process, so that equal chains (a GELU of every layer) are compiled
 * once. Called outside of a graph, in a graph that XLA compiles as a whole, on a GPU or on little data, its ops run as
 * they stand: compiling takes tens of milliseconds, a call some 30 microseconds. Which of the two it is follows from
 * shapes alone, so that runs repeat.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { currentTensorFlow, type TensorFlow } from "../binding/backend.ts";
import { freeCaptures } from "../binding/entry.ts";
import { POLICIES } from "../binding/policy.ts";
import { elements } from "../native/runtime.ts";
import { type GraphValue, Trace } from "../native/trace.ts";
import { castTo } from "../binding/true_dtype.ts";

/**
 * Elements of the inputs together from which on compiling pays: at twice as many a model of 0.8 million parameters has
 * steps that are 7 % longer, in half as many there is nothing more to gain, and each function made is waited for.
 */
const LEAST_ELEMENTS = 2 ** 17;

/** Elements of a function's inputs up to which it is compiled ahead: 16 MiB in float32, which the call on zeros takes. */
const MOST_ELEMENTS_AHEAD = 2 ** 22;

/** A function that the context has, and what it gives. */
interface Inner {
  name: string;
  results: { dtype: number; shape: number[] }[];
}

/** By runtime: functions by what they were made of. */
const made = new WeakMap<object, Map<string, Inner>>();
const names = new Set<string>();
/** What was made and not called yet, with the types and shapes of its inputs. */
const fresh: { runtime: object; inner: Inner; inputs: { dtype: number; shape: number[] }[] }[] = [];
let ahead = 0;

/**
 * Makes a function that is compiled where that pays.
 *
 * @param name A name of its own.
 * @param body The function: of its inputs and options alone, since it is traced once for all calls that have equal types,
 * shapes and options. It runs under the policy `float32`, and casts by itself.
 * @returns The function. Its results may be any number.
 */
export function fused<O>(
  name: string,
  body: (inputs: tf.Tensor[], options: O) => tf.Tensor[],
): (inputs: readonly tf.Tensor[], options: O) => tf.Tensor[] {
  if (names.has(name)) throw new Error(`Cannot make a fused function: the name ${name} is taken`);
  names.add(name);
  return (inputs, options) => {
    const tensorflow = currentTensorFlow();
    const { binding, backend } = tensorflow;
    const { trace } = binding;
    if (trace === undefined || !isFused(inputs)) {
      return binding.regions.withPolicy(POLICIES.float32, () => body([...inputs], options));
    }
    const values = backend.getInputTensorIds(inputs).map((id) => binding.symbolOf(id));
    const inner = innerFunction({ tensorflow, name, values, options, body });
    return trace.callCompiled(inner, values)
      .map((value) => backend.createOutputTensor(binding.ofSymbol(value)));
  };
}

/** Whether a fused function of these inputs is compiled, where it is called now. */
export function isFused(inputs: readonly tf.Tensor[]): boolean {
  const { binding } = currentTensorFlow();
  return binding.trace?.mode === "graph" && !binding.isUsingGpuDevice() &&
    inputs.reduce((sum, { shape }) => sum + elements(shape), 0) >= LEAST_ELEMENTS;
}

function innerFunction<O>(call: {
  tensorflow: TensorFlow;
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
    throw new Error(`Cannot fuse ${call.name}: it uses a tensor that is not among its inputs`);
  }
  const name = `losskit_fused_${call.name}_${functions.size}`;
  trace.toFunction(name, { inputs, outputs });
  const inner = { name, results: outputs.map(({ dtype, shape }) => ({ dtype, shape })) };
  functions.set(key, inner);
  fresh.push({ runtime, inner, inputs: call.values.map(({ dtype, shape }) => ({ dtype, shape })) });
  return inner;
}

/**
 * Compiles what was made since the last time, all at once: XLA takes some 90 milliseconds of a processor for
 * each, and in a step, which needs one after the other, other processors would wait. It does so by a call on zeros.
 *
 * @internal
 */
export function compileAhead({ runtime, binding, backend }: TensorFlow): void {
  const some = fresh.splice(0).filter((one) =>
    one.runtime === runtime &&
    one.inputs.reduce((sum, { shape }) => sum + elements(shape), 0) <= MOST_ELEMENTS_AHEAD
  );
  if (some.length < 2) return;
  using trace = new Trace(runtime, { mode: "graph", firstId: binding.nextId });
  const placeholders = new Map<string, GraphValue>(), outputs: GraphValue[] = [];
  // Inputs, since TensorFlow would make constants of zeros that are filled in inside.
  const zerosOf = ({ dtype, shape }: { dtype: number; shape: number[] }) => {
    const key = `${dtype} ${shape}`;
    const known = placeholders.get(key) ?? trace.placeholder(dtype, shape);
    placeholders.set(key, known);
    return known;
  };
  const symbolOf = (tensor: tf.Tensor) => binding.symbolOf(backend.getInputTensorIds([tensor])[0]!);
  binding.withTrace(trace, () => {
    tf.tidy(() => {
      for (const { inner, inputs } of some) {
        const [result] = trace.callCompiled(inner, inputs.map(zerosOf));
        const tensor = backend.createOutputTensor(binding.ofSymbol(result!));
        outputs.push(symbolOf(tf.slice(tf.reshape(tensor, [-1]), 0, 1)));
      }
    });
  });
  const name = `losskit_ahead_${ahead++}`, inputs = [...placeholders.values()];
  trace.toFunction(name, { inputs, outputs });
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
