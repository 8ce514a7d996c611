/**
 * The precision region: the policy, layer, operation class, random key and observers that apply to the code being run.
 * The binding holds the active region. The gradient tape records the region of every op.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Format, OpClass } from "../../precision/mod.ts";
import { POLICIES, type Policy } from "./policy.ts";

/**
 * A function that receives the tensors passed to `observe`. It must not dispose of them.
 *
 * @param what Name of the quantity, such as `scores`.
 * @param layer Name of the layer, such as `h.0`.
 * @param tensor The tensor.
 */
export type Observer = (what: string, layer: string, tensor: tf.Tensor) => void;

/**
 * Largest magnitudes of the operands of linear layers, for delayed scaling. Keys are `LAYER.OPERAND`, such as
 * `h.0.mlp.c_fc.dy`.
 */
export interface AmaxRecord {
  /**
   * Largest magnitudes in previous steps, latest first, float32 [n] per operand. Operands without an entry use their
   * current largest magnitude.
   */
  readonly histories: Readonly<Record<string, tf.Tensor>>;
  /**
   * Largest magnitudes in this step, float32 scalars. Linear layers add entries for the operands in `histories`. The
   * caller must dispose of the scalars.
   */
  readonly seen: Record<string, tf.Tensor>;
}

/** An observed rounding to a format. If the format has a scaling, `before` and `after` are the scaled values. */
export interface ObservedRounding {
  /** Name of the layer. */
  readonly layer: string;
  /** True if the values are gradients. */
  readonly backward: boolean;
  /** The format to which the values are rounded. */
  readonly format: Format;
  /** Values before the rounding. */
  readonly before: tf.Tensor;
  readonly after: tf.Tensor;
}

/** State that {@linkcode Regions.within} sets for a piece of code. */
export interface Region {
  /** The active policy. */
  readonly policy: Policy;
  /** Name of the current layer. Empty outside of a model. */
  readonly layer: string;
  /** Class of the current operation. Undefined outside of operations. */
  readonly opClass: OpClass | undefined;
  /** True while a gradient is computed. */
  readonly backward: boolean;
  /** True in the first and the last block of a model. */
  readonly isEnd: boolean;
  /** Number of parts of a batch that the code computes one of. 1 for the whole batch. */
  readonly parts: number;
  /** Record of largest magnitudes, for delayed scaling. Undefined: scales use the current largest magnitude. */
  readonly amax: AmaxRecord | undefined;
  /** Random key of the region, and the number of keys that were derived from it so far. Undefined: a fixed key. */
  readonly rounding: { readonly key: tf.Tensor | undefined; draws: number };
  /** The function that receives the tensors passed to `observe`. */
  readonly observer: Observer | undefined;
  /** The function that receives every rounding to a format. It must not dispose of the tensors. */
  readonly onRounding: ((rounding: ObservedRounding) => void) | undefined;
}

/** Holds the active region and replaces parts of it. */
export class Regions {
  /** The region outside of every `autocast`: policy float32, no layer, a fixed random key. */
  #current: Region = {
    policy: POLICIES.float32,
    layer: "",
    opClass: undefined,
    backward: false,
    isEnd: false,
    parts: 1,
    amax: undefined,
    rounding: { key: undefined, draws: 0 },
    observer: undefined,
    onRounding: undefined,
  };

  /** The active region. */
  get current(): Region {
    return this.#current;
  }

  /** Runs `work` with some parts of the active region replaced. The previous region is restored afterwards. */
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

  /** Runs `work` under a policy. The previous policy is restored afterwards. */
  withPolicy<R>(policy: Policy, work: () => R): R {
    return this.within({ policy }, work);
  }
}
