/**
 * The training state before the first step.
 *
 * @module
 */
import { type Gpt, type Parameters, toParameters } from "../model/mod.ts";
import { describePolicy } from "../precision/mod.ts";
import { delayedOperands, initialHistories } from "./amax.ts";
import { initialOptimizerState, zerosLike } from "./optimizer.ts";
import { initialScaler } from "./scaler.ts";
import { COMPENSATION, isCompensated, roundWeights, stateFormats } from "./state_format.ts";
import type { TrainState } from "./step.ts";
import { optimizerConfig, type ResolvedOptions } from "./trainer_options.ts";

/**
 * Returns the state of a trainer before its first step, without the weights, which the model owns. If the precision
 * stores weights in another format than float32, rounds the model's weights to that format.
 */
export function initialState(model: Gpt, options: ResolvedOptions): Omit<TrainState, "parameters"> {
  const formats = stateFormats(Object.keys(model.parameters), options);
  const ema = options.emaDecay > 0 ? copiesOf(model.parameters) : undefined;
  if (Object.keys(formats).length > 0) {
    model.setParameters(roundWeights(copiesOf(model.parameters), formats));
  }
  const moments = initialOptimizerState(model.parameters, optimizerConfig(options));
  return {
    moments: isCompensated(formats) ? { ...moments, [COMPENSATION]: zerosLike(model.parameters) } : moments,
    ...(describePolicy(options.policy).scaled && { scaler: initialScaler(), skipped: 0 }),
    ...(ema && { ema }),
    amax: initialHistories(delayedOperands(model.config, options)),
  };
}

/** Copies weights through the host. A clone would share memory that a step may donate. */
function copiesOf(parameters: Parameters): Parameters {
  return toParameters(
    Object.fromEntries(
      Object.entries(parameters).map(([name, tensor]) => [
        name,
        { shape: [...tensor.shape], values: Float32Array.from(tensor.dataSync()) },
      ]),
    ),
  );
}
