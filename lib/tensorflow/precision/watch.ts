/**
 * Watches eager ops for the origin of NaN and infinite numbers.
 *
 * An op is an origin if its inputs are finite and its result is not. Infinities that code creates on purpose, such as
 * those of an attention mask, are no faults. An op that makes NaN of them is an origin.
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

/** An op with a result that is not finite, although its inputs were. */
export interface Origin {
  /** Part of the step. */
  readonly pass: Pass;
  /** Layer, or empty outside of layers. */
  readonly layer: string;
  /** Class of the operation, or empty outside of operations. */
  readonly opClass: OpClass | "";
  /** Name of TensorFlow's op, or of a rounding. */
  readonly op: string;
  /** Floating inputs. */
  readonly inputs: readonly Extremes[];
  /** Result. */
  readonly output: Extremes;
}

/** Maximum number of inputs that an origin lists. */
const MOST_INPUTS = 4;

/** Largest numbers of TensorFlow's floating types. */
const TYPES: Readonly<Record<number, { format: string; largest: number }>> = {
  [DataType.FLOAT]: { format: "float32", largest: (2 - 2 ** -23) * 2 ** 127 },
  [DataType.BFLOAT16]: { format: "bfloat16", largest: (2 - 2 ** -7) * 2 ** 127 },
  [DataType.HALF]: { format: "float16", largest: 65_504 },
};

/** Returns the extreme values of a tensor. `like`: its format and shape (default format: float32). */
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

/** A recorded origin, by the order of ops. */
interface Found extends Origin {
  readonly order: number;
}

/** Origin of the non-finite values of a tensor. `given`: code created them. Undefined: all values are finite. */
type Taint = Found | "given" | undefined;

/** A watch over the ops of one call. */
class Watch implements OpWatcher, Disposable {
  readonly #tensorflow: TensorFlowInternals;
  readonly #taints = new Map<number, Taint>();
  readonly #scopes = new Map<number, Scope>();
  readonly #axes = new Map<number, Pointer>();
  #order = 0;
  #muted = false;
  /** Earliest origin that reached a result. */
  reached: Found | undefined;

  constructor(tensorflow: TensorFlowInternals) {
    this.#tensorflow = tensorflow;
  }

  /** Records an op that ran. `as`: name and format of several ops that count as one. */
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

  /** Notes that a tensor is a result: the origin of its non-finite values is a fault. */
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

  /** Returns the taint of a tensor. A tensor that no op created contains values from JavaScript. */
  #taintOf(id: number): Taint {
    if (!this.#taints.has(id)) this.#taints.set(id, this.#isFinite(id) ? undefined : "given");
    return this.#taints.get(id);
  }

  /** Returns the scope of an op. Outside of layers, such as in sums of gradients, it is the scope of an input. */
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

  /** Returns whether all values of a tensor are finite, by TensorFlow's ops, below the precision rules. */
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
 * Runs eager code and finds the first op whose non-finite values reached a result ({@linkcode markResult}). Each op costs
 * one more pass over its result.
 *
 * @param work Synchronous code.
 * @returns The result of `work`, and the origin, or undefined if all marked results are finite.
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

/** Marks a tensor as a result for an active {@linkcode watchNonFinite}. Otherwise, does nothing. */
export function markResult(tensor: tf.Tensor): void {
  activeWatch()?.reach(idOf(tensor));
}

/**
 * Runs several ops that count as one for {@linkcode watchNonFinite}, such as a rounding by integer arithmetic.
 *
 * @param as Name of the op, and format of its result.
 * @param x The input.
 * @param work The ops.
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
