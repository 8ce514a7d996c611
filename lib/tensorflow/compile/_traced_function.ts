/**
 * A function of a list of tensors, traced once per signature. Each trace holds a TensorFlow function, the variables
 * that it reads, and its gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { dtypeName, isFloating } from "../native/dtype.ts";
import { compileAhead } from "../binding/fused.ts";
import type { Pointer } from "../native/c_values.ts";
import { layerOfTrace } from "../precision/scope.ts";
import { engine, gradientsOf, offTape, type TapeNode, tapeResults } from "../binding/tape.ts";
import { withoutSideEffects } from "./_pure.ts";
import type { GraphValue } from "../native/graph_output.ts";
import { type ExecutionMode, Trace } from "../native/trace.ts";

/** The function to trace. It returns its tensors, and an extra value that is passed to the caller. */
export type Body<E> = (inputs: tf.Tensor[]) => { tensors: tf.Tensor[]; extra: E };

/** Options of a traced function. */
interface Options {
  mode: ExecutionMode;
  /** Name of the function, for error messages. */
  label: string;
  /** Variables that are inputs of the function, with the index of the input. Default: none. */
  bound?: ReadonlyMap<tf.Variable, number>;
}

/** The trace of one signature. */
interface Traced<E> {
  name: string;
  /** Attributes of a call, which select how TensorFlow runs the function. */
  attributes: Attribute[];
  /**
   * Further inputs of the TensorFlow function. Captured tensors are constants. Variables are read at each call.
   */
  captures: (Pointer | tf.Variable)[];
  variables: { variable: tf.Variable; dtype: number }[];
  outputs: { dtype: number; shape: number[] }[];
  extra: E;
  /** Gradient functions, by the indices of the inputs and variables to differentiate. */
  gradients: Map<string, TracedFunction<undefined>>;
}

/** Attribute of calls that XLA compiles. */
const MUST_COMPILE: Attribute = { name: "_XlaMustCompile", type: AttributeType.BOOL, value: true };
const SEQUENTIAL: Attribute = {
  name: "executor_type",
  type: AttributeType.STRING,
  value: "SINGLE_THREADED_EXECUTOR",
};

let functions = 0;

const idOf = (tensor: tf.Tensor): number => currentTensorFlow().backend.getInputTensorIds([tensor])[0]!;
const isVariable = (capture: Pointer | tf.Variable): capture is tf.Variable => capture instanceof tf.Variable;

/** A function that is traced once per signature. */
export class TracedFunction<E> {
  readonly #body: Body<E>;
  readonly #options: Options;
  readonly #traced = new Map<string, Traced<E>[]>();

  /** Creates a function that is traced at its first call. */
  constructor(body: Body<E>, options: Options) {
    this.#body = body;
    this.#options = options;
  }

  /** Number of traced signatures. */
  get traces(): number {
    return this.#traced.values().reduce((sum, entries) => sum + entries.length, 0);
  }

  /**
   * Calls the function. TF.js's gradient tape records the call as one operation.
   *
   * @param inputs Tensors to pass to the function.
   * @param donated Those inputs that the call frees.
   */
  call(inputs: tf.Tensor[], donated: tf.Tensor[] = []): { tensors: tf.Tensor[]; extra: E } {
    const ids = currentTensorFlow().backend.getInputTensorIds(inputs);
    const types = this.#describe(inputs, ids);
    const entry = this.#entryFor(inputs, types);
    const { extra, variables, outputs } = entry;
    const execute = () => this.#execute(entry, { ids, types, donated });
    const floating = outputs.map(({ dtype }) => isFloating(dtype));
    if (!engine().isTapeOn() || !floating.includes(true)) return { tensors: execute(), extra };
    const sources = [...inputs, ...variables.map(({ variable }) => variable)];
    const backward = (dys: tf.Tensor[], saved: tf.Tensor[], places: number[]) => {
      const gradient = this.#gradientOf(entry, { places, inputs: inputs.length });
      return gradient.call([...saved, ...dys.filter((_, i) => floating[i])]).tensors;
    };
    return { tensors: recorded(sources, execute, backward), extra };
  }

  /** Frees every trace. A later call traces again. */
  dispose(): void {
    for (const entry of [...this.#traced.values()].flat()) free(entry);
    this.#traced.clear();
  }

  #entryFor(inputs: tf.Tensor[], types: string[]): Traced<E> {
    const { current: region } = currentTensorFlow().binding.regions;
    const { name, overrides = [] } = region.policy;
    const signature = JSON.stringify([
      ...[name, overrides, layerOfTrace(region)],
      types,
    ]);
    const entries = (this.#traced.get(signature) ?? []).filter((entry) => {
      const isWhole = entry.variables.every(({ variable }) => !variable.isDisposed);
      if (!isWhole) free(entry);
      return isWhole;
    });
    this.#traced.set(signature, entries);
    const { binding } = currentTensorFlow();
    const known = entries.find(({ variables }) =>
      variables.every(({ variable, dtype }) => binding.dtypeOf(idOf(variable)) === dtype)
    );
    if (known !== undefined) return known;
    const entry = this.#trace(inputs);
    entries.push(entry);
    return entry;
  }

  #describe(inputs: tf.Tensor[], ids: number[]): string[] {
    const { binding } = currentTensorFlow();
    return inputs.map(({ shape }, i) => `${dtypeName(binding.dtypeOf(ids[i]!))}[${shape}]`);
  }

  #execute(
    entry: Traced<E>,
    { ids, types, donated }: { ids: number[]; types: string[]; donated: tf.Tensor[] },
  ): tf.Tensor[] {
    const { binding, backend } = currentTensorFlow();
    const results = binding.execute(entry.name, {
      release: () => tf.dispose(donated),
      inputs: [
        ...ids.map((id) => binding.handleOf(id)),
        ...entry.captures.map((capture) => isVariable(capture) ? binding.handleOf(idOf(capture)) : capture),
      ],
      attributes: entry.attributes,
      numOutputs: entry.outputs.length,
      describe: () => types,
    });
    return results.map((handle, i) =>
      backend.createOutputTensor(binding.ofHandle(handle, entry.outputs[i]!))
    );
  }

  #trace(inputs: tf.Tensor[]): Traced<E> {
    const { binding, backend, runtime } = currentTensorFlow();
    const { mode, label, bound } = this.#options;
    const types = inputs.map((tensor) => binding.dtypeOf(idOf(tensor)));
    using trace = new Trace(runtime, { mode, firstId: binding.nextId });
    const placeholders: GraphValue[] = [];
    const outputs: GraphValue[] = [];
    let extra: E | undefined;
    const traceBody = () =>
      tf.tidy(() => {
        const args = inputs.map((tensor, i) => {
          const symbol = trace.placeholder(types[i]!, tensor.shape);
          placeholders.push(symbol);
          return backend.createOutputTensor(binding.ofSymbol(symbol));
        });
        withVariables((variable) => args[bound?.get(variable) ?? -1], () => {
          const traced = withoutSideEffects(label, () => this.#body(args));
          extra = traced.extra;
          for (const tensor of traced.tensors) outputs.push(binding.symbolOf(idOf(tensor)));
        });
      });
    const { captures } = binding.withTrace(trace, () => offTape(traceBody));
    const name = `losskit_${functions++}`;
    const entry: Traced<E> = {
      name,
      attributes: mode === "xla" ? [MUST_COMPILE] : trace.isSequential ? [SEQUENTIAL] : [],
      captures: captures.map(({ handle, variable }) => variable ?? handle!),
      variables: captures.flatMap(({ variable, symbol }) =>
        variable === undefined ? [] : [{ variable, dtype: symbol.dtype }]
      ),
      outputs: outputs.map(({ dtype, shape }) => ({ dtype, shape })),
      extra: extra!,
      gradients: new Map(),
    };
    try {
      refuseTaped(label, captures.flatMap(({ id, variable }) => variable === undefined ? [id] : []));
      const serial = trace.isSerial;
      compileAhead(currentTensorFlow(), { serial });
      const all = [...placeholders, ...captures.map(({ symbol }) => symbol)];
      trace.toFunction(name, { inputs: all, outputs, serial });
    } catch (error) {
      freeCaptures(entry);
      throw error;
    }
    return entry;
  }

  /**
   * Returns the gradient of a trace with respect to some of its inputs and variables. The gradient is a traced function
   * too. It runs the original function again.
   */
  #gradientOf(
    entry: Traced<E>,
    of: { places: number[]; inputs: number },
  ): TracedFunction<undefined> {
    const key = String(of.places);
    const known = entry.gradients.get(key);
    if (known !== undefined) return known;
    const count = of.inputs + entry.variables.length;
    const bound = new Map(this.#options.bound);
    entry.variables.forEach(({ variable }, i) => bound.set(variable, of.inputs + i));
    const body: Body<undefined> = (inputs) => {
      const results = () =>
        this.#body(inputs.slice(0, of.inputs)).tensors.filter(({ dtype }) => dtype === "float32");
      const tensors = gradientsOf(results, of.places.map((place) => inputs[place]!), inputs.slice(count));
      return { tensors, extra: undefined };
    };
    const { mode, label } = this.#options;
    const gradient = new TracedFunction(body, { mode, label: `the gradient of ${label}`, bound });
    entry.gradients.set(key, gradient);
    return gradient;
  }
}

/** Runs an operation and records it on the tape. Its gradient computes only the inputs that are differentiated. */
function recorded(
  inputs: tf.Tensor[],
  forward: () => tf.Tensor[],
  backward: (dys: tf.Tensor[], saved: tf.Tensor[], places: number[]) => tf.Tensor[],
): tf.Tensor[] {
  let wanted = inputs.map((_, i) => i);
  const results = engine().runKernelFunc({
    forwardFunc: (_, save) => {
      save(inputs);
      return forward();
    },
    backwardsFunc: (dys, saved) => {
      const places = wanted.filter((i) => inputs[i]!.dtype === "float32");
      const gradients = backward(Array.isArray(dys) ? dys : [dys], saved, places);
      return Object.fromEntries(wanted.map((i) => {
        const gradient = gradients[places.indexOf(i)];
        return [i, () => gradient ?? tf.zeros(inputs[i]!.shape)];
      }));
    },
    inputs: { ...inputs } as unknown as Record<string, tf.Tensor>,
  });
  const node = engine().state.activeTape?.at(-1);
  const gradient = node?.gradient;
  if (node !== undefined && gradient !== undefined) {
    // TF.js calls this method on a copy whose `inputs` are only those to differentiate.
    node.gradient = function (this: TapeNode | undefined, dys) {
      wanted = Object.keys(this?.inputs ?? inputs).map(Number);
      return gradient(dys);
    };
  }
  return results;
}

/**
 * Runs `work` with every variable replaced by a graph value. If `inputOf` returns a tensor for a variable, that tensor
 * is used. Otherwise the variable is read at each call.
 */
function withVariables<R>(inputOf: (variable: tf.Variable) => tf.Tensor | undefined, work: () => R): R {
  const { binding, backend } = currentTensorFlow();
  type Writable = { -readonly [K in "dataId" | "id"]: tf.Variable[K] };
  const former = Object.values(engine().registeredVariables).map((variable) => {
    const { dataId, id } = variable;
    return { variable, own: { dataId, id } };
  });
  try {
    for (const { variable } of former) {
      const input = inputOf(variable);
      // If the variable is an input, gradients also treat it as that tensor.
      const { dataId, id } = input ??
        { ...backend.createOutputTensor(binding.ofVariable(variable, idOf(variable))), id: variable.id };
      Object.assign(variable as Writable, { dataId, id });
    }
    return work();
  } finally {
    for (const { variable, own } of former) Object.assign(variable as Writable, own);
  }
}

/** Throws if a captured tensor depends on a differentiated tensor. Its gradient would be lost. */
function refuseTaped(label: string, captured: readonly number[]): void {
  if (captured.length === 0 || !engine().isTapeOn()) return;
  const { backend } = currentTensorFlow();
  const results = tapeResults().filter(({ dataId }) => backend.tensorMap.has(dataId)).map(idOf);
  if (!captured.some((id) => results.includes(id))) return;
  throw new Error(
    `Cannot differentiate ${label}: expected its tensors as arguments, got a captured one that depends on the ` +
      "differentiated tensor. Pass the tensor as an argument.",
  );
}

function freeCaptures(entry: Pick<Traced<unknown>, "captures">): void {
  const { runtime } = currentTensorFlow();
  for (const capture of entry.captures) if (!isVariable(capture)) runtime.deleteHandle(capture);
}

function free(entry: Traced<unknown>): void {
  currentTensorFlow().runtime.removeFunction(entry.name);
  freeCaptures(entry);
  for (const gradient of entry.gradients.values()) gradient.dispose();
}
