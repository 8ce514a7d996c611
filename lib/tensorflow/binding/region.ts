/**
 * The precision region that code runs in: a policy, the layer, the source of stochastic rounding and an observer. The
 * binding holds the region in force; the gradient tape records it with every op.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { POLICIES, type Policy } from "./policy.ts";

/** Receives observed tensors: the name of the quantity, its layer, and the tensor, which it must not dispose of. */
export type Observer = (what: string, layer: string, tensor: tf.Tensor) => void;

/** A precision region. */
export interface Region {
  /** The types that ops run in. */
  readonly policy: Policy;
  /** The layer that overrides may name; empty outside of a model. */
  readonly layer: string;
  /** The key of stochastic rounding, and how many roundings have drawn from it. */
  readonly rounding: { readonly key: tf.Tensor | undefined; draws: number };
  /** Receives what `observe` is given. */
  readonly observer: Observer | undefined;
}

/** The region in force. */
export class Regions {
  /** Outside of every `autocast`: float32, no layer, a fixed rounding key. */
  #current: Region = {
    policy: POLICIES.float32,
    layer: "",
    rounding: { key: undefined, draws: 0 },
    observer: undefined,
  };

  /** The region in force. */
  get current(): Region {
    return this.#current;
  }

  /** Runs `work` in the region in force with some of its parts replaced, and restores the former region. */
  within<R>(parts: Partial<Region>, work: () => R): R {
    const former = this.#current;
    this.#current = { ...former, ...parts };
    try {
      return work();
    } finally {
      this.#current = former;
    }
  }

  /** Replaces parts of the region in force, for scopes that begin and end in two calls. */
  enter(parts: Partial<Region>): void {
    this.#current = { ...this.#current, ...parts };
  }

  /** Runs `work` under a policy, and restores the former one. */
  withPolicy<R>(policy: Policy, work: () => R): R {
    return this.within({ policy }, work);
  }
}
