/**
 * The interface of an optimizer, for optimizers other than the built-in ones.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";

/** Tensors of an optimizer's state: by slot, then by parameter. */
export type OptimizerSlots = Readonly<Record<string, Readonly<Record<string, tf.Tensor>>>>;

/** Inputs of an update. */
export interface OptimizerInput {
  /** Weights by name, float32. */
  readonly parameters: Readonly<Record<string, tf.Tensor>>;
  /** Clipped gradients by the name of their parameter, float32. */
  readonly gradients: Readonly<Record<string, tf.Tensor>>;
  /** State before the update. */
  readonly state: OptimizerSlots;
  /** Learning rate of the step, a scalar. */
  readonly lr: tf.Tensor;
  /** Number of the update, from 1, a float32 scalar. */
  readonly step: tf.Tensor;
  /** Options of the trainer with their values. */
  readonly options: OwnOptimizerConfig;
}

/** An optimizer of a user. */
export interface Optimizer {
  /** Name for messages. Default: the name of its module. */
  readonly name?: string | undefined;
  /**
   * Returns the shapes of a parameter's state by slot, for example `{ momentum: shape }`. All values are 0 before the first
   * step.
   *
   * @param name Name of the parameter.
   * @param shape Shape of the parameter.
   */
  init(name: string, shape: readonly number[]): Readonly<Record<string, readonly number[]>>;
  /**
   * Returns the weights and the state after an update. It is traced into the compiled step, so it must consist of tensor
   * operations.
   */
  update(input: OptimizerInput): {
    readonly parameters: Readonly<Record<string, tf.Tensor>>;
    readonly state: OptimizerSlots;
  };
}

/** An optimizer of a user, with the options that it can read. */
export interface OwnOptimizerConfig {
  /** The optimizer. */
  readonly optimizer: Optimizer;
  /** Decay rate of the first moment. */
  readonly beta1: number;
  /** Decay rate of the second moment. */
  readonly beta2: number;
  /** Term added to a denominator. */
  readonly eps: number;
  /** Momentum coefficient. */
  readonly momentum: number;
  /** Weight decay. */
  readonly weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. The gradients of an update are clipped already. */
  readonly clip: number;
}

/** Applies an update of a user's optimizer. Requires that it keeps the names and shapes of all tensors. */
export function ownUpdate(
  { parameters, state, ...input }: Omit<OptimizerInput, "options">,
  options: OwnOptimizerConfig,
): { parameters: Parameters; moments: Readonly<Record<string, Parameters>> } {
  const next = options.optimizer.update({ parameters, state, ...input, options });
  const found = Object(next) as Partial<ReturnType<Optimizer["update"]>>;
  const kept = keptTensors(found.parameters, { wanted: parameters, what: "parameters" });
  const moments = Object.fromEntries(
    Object.entries(state).map(([slot, values]) => [
      slot,
      keptTensors(found.state?.[slot], { wanted: values, what: `state.${slot}` }),
    ]),
  );
  return { parameters: kept, moments };
}

/** Returns tensors with the names and shapes of others. A tensor that the optimizer returns unchanged is copied. */
function keptTensors(
  found: Readonly<Record<string, tf.Tensor>> | undefined,
  { wanted, what }: { wanted: Readonly<Record<string, tf.Tensor>>; what: string },
): Parameters {
  return Object.fromEntries(
    Object.entries(wanted).map(([name, { shape }]) => {
      const tensor: unknown = found?.[name];
      if (tensor instanceof tf.Tensor && String(tensor.shape) === String(shape)) {
        return [name, tf.clone(tensor)]; // it may be the former tensor, which is disposed of
      }
      throw new RangeError(
        `Cannot train: expected update() of the optimizer to return ${what} with ${name} of shape [${shape}], got ${
          tensor instanceof tf.Tensor ? `shape [${tensor.shape}]` : String(tensor)
        }.`,
      );
    }),
  );
}
