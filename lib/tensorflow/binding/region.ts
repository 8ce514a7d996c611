/**
 * The precision region: a policy, the layer, the class of operations, the key of stochastic rounding, and an observer. The binding holds the
 * active region. The gradient tape records the region of every op.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Format, OpClass } from "../../precision/mod.ts";
import { POLICIES, type Policy } from "./policy.ts";

/**
 * A function that receives observed tensors: the quantity's name, its layer, and the tensor. It must not dispose of the
 * tensor.
 */
export type Observer = (what: string, layer: string, tensor: tf.Tensor) => void;

/**
 * Maxima of the operands of linear layers, for delayed scaling, by `LAYER.OPERAND` (`h.0.mlp.c_fc.dy`).
 */
export interface AmaxRecord {
  /** Maxima of previous steps, most recent first, float32 [n]. */
  readonly histories: Readonly<Record<string, tf.Tensor>>;
  /** Maxima of this step, float32 scalars, which the recorder keeps and its owner disposes of. */
  readonly seen: Record<string, tf.Tensor>;
}

/** Values rounded to a format. Scaled formats: the scaled values. */
export interface ObservedRounding {
  /** The layer. */
  readonly layer: string;
  /** True if the values are gradients. */
  readonly backward: boolean;
  /** The format. */
  readonly format: Format;
  /** The values before and after the rounding. */
  readonly before: tf.Tensor;
  readonly after: tf.Tensor;
}

/** State of one `autocast` call. */
export interface Region {
  /** The policy, which chooses the types of ops. */
  readonly policy: Policy;
  /** The current layer, for overrides. Empty outside of a model. */
  readonly layer: string;
  /** The class of the current operation. Undefined outside of operations. */
  readonly opClass: OpClass | undefined;
  /** True in the gradient of an op. */
  readonly backward: boolean;
  /** True in the first and the last block of a model. */
  readonly isEnd: boolean;
  /** Maxima for delayed scaling. Undefined: scales follow the current maxima. */
  readonly amax: AmaxRecord | undefined;
  /** The key of stochastic rounding, and the number of roundings drawn from it. */
  readonly rounding: { readonly key: tf.Tensor | undefined; draws: number };
  /** The function that receives the tensors passed to `observe`. */
  readonly observer: Observer | undefined;
  /** The function that receives roundings to formats. It must not dispose of their tensors. */
  readonly onRounding: ((rounding: ObservedRounding) => void) | undefined;
}

/** The active region and its changes. */
export class Regions {
  /** Outside of every `autocast`: float32, no layer, a fixed rounding key. */
  #current: Region = {
    policy: POLICIES.float32,
    layer: "",
    opClass: undefined,
    backward: false,
    isEnd: false,
    amax: undefined,
    rounding: { key: undefined, draws: 0 },
    observer: undefined,
    onRounding: undefined,
  };

  /** The active region. */
  get current(): Region {
    return this.#current;
  }

  /** Runs `work` with some parts of the active region replaced, then restores the previous region. */
  within<R>(parts: Partial<Region>, work: () => R): R {
    const former = this.#current;
    this.#current = { ...former, ...parts };
    try {
      return work();
    } finally {
      this.#current = former;
    }
  }

  /** Replaces parts of the active region, for scopes that begin and end in separate calls. */
  enter(parts: Partial<Region>): void {
    this.#current = { ...this.#current, ...parts };
  }

  /** Runs `work` under a policy, then restores the previous policy. */
  withPolicy<R>(policy: Policy, work: () => R): R {
    return this.within({ policy }, work);
  }
}
