/**
 * The interface of user-written optimizers.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";

/** Optimizer state: tensors by slot (such as `momentum`), then by the name of the parameter. */
export type OptimizerSlots = Readonly<Record<string, Readonly<Record<string, tf.Tensor>>>>;

/** Input of {@linkcode Optimizer.update}. */
export interface OptimizerInput {
  /** Weights by name, float32. */
  readonly parameters: Readonly<Record<string, tf.Tensor>>;
  /** Clipped gradients by the name of their parameter, float32. */
  readonly gradients: Readonly<Record<string, tf.Tensor>>;
  /** Optimizer state before the update. */
  readonly state: OptimizerSlots;
  /** Learning rate of the step, a float32 scalar. */
  readonly lr: tf.Tensor;
  /** Number of the update, from 1, a float32 scalar. Skipped steps are not counted. */
  readonly step: tf.Tensor;
  /** Values of the trainer's options, such as `weightDecay`. */
  readonly options: OwnOptimizerConfig;
}

/** A user-written optimizer. */
export interface Optimizer {
  /** Name of the optimizer in messages. Default: the path of the module that exports the optimizer. */
  readonly name?: string | undefined;
  /**
   * Returns the shapes of the optimizer state of one parameter, by slot, for example `{ momentum: shape }`. The state
   * is 0 before the first step.
   *
   * @param name Name of the parameter.
   * @param shape Shape of the parameter.
   */
  init(name: string, shape: readonly number[]): Readonly<Record<string, readonly number[]>>;
  /**
   * Returns the weights and the optimizer state after an update, with the same names and shapes. The function is traced
   * into the compiled step, so that it must consist of tensor operations.
   */
  update(input: OptimizerInput): {
    readonly parameters: Readonly<Record<string, tf.Tensor>>;
    readonly state: OptimizerSlots;
  };
}

/** A user-written optimizer, and the trainer's options that it may use. */
export interface OwnOptimizerConfig {
  /** The optimizer. */
  readonly optimizer: Optimizer;
  /** The option `beta1`: decay rate of the first moment. */
  readonly beta1: number;
  /** The option `beta2`: decay rate of the second moment. */
  readonly beta2: number;
  /** The option `eps`: term added to a denominator. */
  readonly eps: number;
  /** The option `momentum`: momentum coefficient. */
  readonly momentum: number;
  /** The option `weightDecay`. The optimizer must apply it. */
  readonly weightDecay: number;
  /** Maximum global gradient norm. 0: no clipping. The trainer clips the gradients before it calls the optimizer. */
  readonly clip: number;
}

/**
 * Applies one update of a user-written optimizer.
 *
 * @param input Parameters, clipped gradients, optimizer state and scalars.
 * @param options The optimizer and its options.
 * @throws {RangeError} If the optimizer returns a tensor of another shape, or no tensor for a name.
 */
export function ownUpdate(
  { parameters, state, ...input }: Omit<OptimizerInput, "options">,
  options: OwnOptimizerConfig,
): { parameters: Parameters; moments: Readonly<Record<string, Parameters>> } {
  const next = options.optimizer.update({
    ...input,
    parameters: Object.freeze({ ...parameters }), // a user's code must not change ours
    state: Object.freeze(Object.fromEntries(
      Object.entries(state).map(([slot, values]) => [slot, Object.freeze({ ...values })]),
    )),
    options: Object.freeze({ ...options }),
  });
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
