/**
 * Finds the eager op that is the origin of NaN and infinite numbers.
 *
 * An op is an origin if its inputs are finite and its result is not. Infinities that code creates on purpose, such as
 * those of an attention mask, do not count. An op that turns them into NaN is an origin.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Extremes, OpClass } from "../../precision/mod.ts";
import { currentTensorFlow, type TensorFlowInternals } from "../binding/backend.ts";
import type { OpWatcher, RunOp } from "../binding/entry.ts";
import { AttributeType } from "../native/attribute.ts";
import { DataType, isFloating } from "../native/dtype.ts";
import type { Pointer } from "../native/c_values.ts";

/** Part of a training step. */
export type Pass = "forward" | "backward" | "update";

/** An op whose result is not finite although its inputs were finite. */
export interface Origin {
  /** Part of the training step in which the op ran. */
  readonly pass: Pass;
  /** Layer of the op. Empty outside of layers. */
  readonly layer: string;
  /** Operation class of the op. Empty outside of operations. */
  readonly opClass: OpClass | "";
  /** Name of TensorFlow's op, or `rounding to FORMAT`. */
  readonly op: string;
  /** Extreme values of the floating inputs, at most 4. */
  readonly inputs: readonly Extremes[];
  /** Extreme values of the result. */
  readonly output: Extremes;
}

/** Maximum number of inputs that an origin lists. */
const MOST_INPUTS = 4;

/** Names and largest numbers of TensorFlow's floating types. */
const TYPES: Readonly<Record<number, { format: string; largest: number }>> = {
  [DataType.FLOAT]: { format: "float32", largest: (2 - 2 ** -23) * 2 ** 127 },
  [DataType.BFLOAT16]: { format: "bfloat16", largest: (2 - 2 ** -7) * 2 ** 127 },
  [DataType.HALF]: { format: "float16", largest: 65_504 },
};

/** Returns the extreme values of a tensor. The default of `format` is float32. */
export function extremesOf(
  values: Float32Array,
  { shape, ...like }: { shape: readonly number[]; format?: string; largest?: number },
): Extremes {
  let min = Infinity, max = -Infinity, finite = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    finite++;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (finite === 0) min = max = NaN;
  const nonFinite = values.length === 0 ? 0 : 1 - finite / values.length;
  const { format, largest } = { ...TYPES[DataType.FLOAT]!, ...like };
  return { format, shape, min, max, nonFinite, largest };
}

/** Scope of an op. */
type Scope = Pick<Origin, "pass" | "layer" | "opClass">;

/** A recorded origin, with its position in the order of origins. */
interface Found extends Origin {
  readonly order: number;
}

/** Origin of a tensor's non-finite values. `given`: code created them on purpose. Undefined: all values are finite. */
type Taint = Found | "given" | undefined;

/** A watch over the ops of one {@linkcode watchNonFinite} call. */
class Watch implements OpWatcher, Disposable {
  readonly #tensorflow: TensorFlowInternals;
  readonly #taints = new Map<number, Taint>();
  readonly #scopes = new Map<number, Scope>();
  readonly #axes = new Map<number, Pointer>();
  #order = 0;
  #muted = false;
  /** The earliest origin whose non-finite values reached a result. */
  reached: Found | undefined;

  constructor(tensorflow: TensorFlowInternals) {
    this.#tensorflow = tensorflow;
  }

  /** Records an op that has run. `as`: name and format under which several ops count as one. */
  take({ name, inputs, results }: RunOp, as?: { format: string; largest: number }): void {
    if (this.#muted) return;
    const scope = this.#scopeOf(inputs);
    for (const id of results) {
      this.#scopes.set(id, scope);
      this.#taints.set(id, this.#isFinite(id) ? undefined : this.#originOf(id, { name, inputs, scope, as }));
    }
  }

  /** Runs several ops without watching them. */
  mute<R>(work: () => R): R {
    const before = this.#muted;
    this.#muted = true;
    try {
      return work();
    } finally {
      this.#muted = before;
    }
  }

  /** Marks a tensor as a result. If its non-finite values have an origin, the origin is reported. */
  reach(id: number): void {
    const taint = this.#taintOf(id);
    if (typeof taint !== "object") return;
    if (this.reached === undefined || taint.order < this.reached.order) this.reached = taint;
  }

  #originOf(
    result: number,
    op: {
      name: string;
      inputs: readonly number[];
      scope: Scope;
      as: { format: string; largest: number } | undefined;
    },
  ): Taint {
    const taints = op.inputs.map((id) => this.#taintOf(id)).filter((taint) => taint !== undefined);
    const inherited = taints.filter((taint) => taint !== "given").sort((a, b) => a.order - b.order)[0];
    if (inherited !== undefined) return inherited;
    if (taints.length > 0 && !this.#values(result).some(Number.isNaN)) return "given";
    const isListed = (id: number) => isFloating(this.#tensorflow.binding.dtypeOf(id));
    return {
      ...op.scope,
      op: op.name,
      inputs: op.inputs.filter(isListed).slice(0, MOST_INPUTS).map((id) => this.#extremes(id)),
      output: { ...this.#extremes(result), ...op.as },
      order: this.#order++,
    };
  }

  /** Returns the origin of a tensor's non-finite values. Values of a tensor that no op created come from JavaScript. */
  #taintOf(id: number): Taint {
    if (!this.#taints.has(id)) this.#taints.set(id, this.#isFinite(id) ? undefined : "given");
    return this.#taints.get(id);
  }

  /**
   * Returns the scope of an op. An op outside of layers, such as a sum of gradients, has the scope of its first known
   * input.
   */
  #scopeOf(inputs: readonly number[]): Scope {
    const { layer, opClass = "", backward } = this.#tensorflow.binding.regions.current;
    const known = inputs.map((id) => this.#scopes.get(id)).find((scope) => scope !== undefined);
    if (layer === "" && opClass === "" && !backward && known !== undefined) return known;
    return { pass: opClass === "optimizer" ? "update" : backward ? "backward" : "forward", layer, opClass };
  }

  #values(id: number): Float32Array {
    return this.#tensorflow.binding.tensorDataSync(id) as Float32Array;
  }

  #extremes(id: number): Extremes {
    const { binding } = this.#tensorflow;
    return extremesOf(this.#values(id), {
      ...TYPES[binding.dtypeOf(id)]!,
      shape: binding.metadata(id).shape,
    });
  }

  /** Returns true if all values of a tensor are finite. The ops that test this are not subject to the policy. */
  #isFinite(id: number): boolean {
    const { binding, runtime } = this.#tensorflow;
    const dtype = binding.dtypeOf(id), rank = binding.metadata(id).shape.length;
    if (!isFloating(dtype)) return true;
    const run = (name: string, inputs: Pointer[], types: Record<string, number>) =>
      binding.execute(name, {
        inputs,
        attributes: Object.entries(types).map(([name, value]) => ({ name, type: AttributeType.TYPE, value })),
        numOutputs: 1,
        describe: () => [`tensor ${id}`],
      })[0]!;
    const flags = run("IsFinite", [binding.handleOf(id)], { T: dtype });
    const all = run("All", [flags, this.#axesOf(rank)], { Tidx: DataType.INT32 });
    const isFinite = new Uint8Array(runtime.memory.readBytes(all))[0] === 1;
    for (const handle of [flags, all]) runtime.deleteHandle(handle);
    return isFinite;
  }

  #axesOf(rank: number): Pointer {
    let axes = this.#axes.get(rank);
    if (axes === undefined) {
      const bytes = new Uint8Array(Int32Array.from({ length: rank }, (_, i) => i).buffer);
      axes = this.#tensorflow.runtime.memory.handleOfBytes({ dtype: DataType.INT32, shape: [rank], bytes });
      this.#axes.set(rank, axes);
    }
    return axes;
  }

  [Symbol.dispose](): void {
    for (const axes of this.#axes.values()) this.#tensorflow.runtime.deleteHandle(axes);
  }
}

/** Returns the active watch, if any. */
function activeWatch(): Watch | undefined {
  const { opWatcher } = currentTensorFlow().binding;
  return opWatcher instanceof Watch ? opWatcher : undefined;
}

/**
 * Runs eager code and finds the op that is the origin of non-finite results. Only results marked with {@linkcode
 * markResult} count. Each op takes one more pass over its result.
 *
 * @param work Synchronous code.
 * @returns The result of `work`, and the earliest origin. The origin is undefined if all marked results are finite.
 */
export function watchNonFinite<R>(work: () => R): { result: R; origin: Origin | undefined } {
  const tensorflow = currentTensorFlow(), { binding } = tensorflow;
  using watch = new Watch(tensorflow);
  const outer = binding.opWatcher;
  binding.opWatcher = watch;
  try {
    const result = work();
    const { order: _, ...origin } = watch.reached ?? { order: 0 };
    return { result, origin: watch.reached && origin as Origin };
  } finally {
    binding.opWatcher = outer;
  }
}

/** Marks a tensor as a result for {@linkcode watchNonFinite}. Without an active watch, does nothing. */
export function markResult(tensor: tf.Tensor): void {
  activeWatch()?.reach(idOf(tensor));
}

/**
 * Runs several ops that count as one op for {@linkcode watchNonFinite}, such as a rounding by integer arithmetic.
 *
 * @param as Name under which the ops are reported, and the format of their result.
 * @param x The input.
 * @param work The ops.
 * @returns The result of `work`.
 */
export function asOneOp(
  { name, format, largest }: { name: string; format: string; largest: number },
  x: tf.Tensor,
  work: () => tf.Tensor,
): tf.Tensor {
  const watch = activeWatch();
  if (watch === undefined) return work();
  const result = watch.mute(work);
  watch.take({ name, inputs: [idOf(x)], results: [idOf(result)] }, { format, largest });
  return result;
}

function idOf(tensor: tf.Tensor): number {
  return currentTensorFlow().backend.getInputTensorIds([tensor])[0]!;
}
