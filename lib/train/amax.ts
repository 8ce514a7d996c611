/**
 * State of delayed scaling: the largest magnitudes of the operands of linear layers in the last steps, as in
 * Transformer Engine. The scales of a step follow from the maxima of the steps before it.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, HEAD_LAYER, type Parameters, parameterShapes } from "../model/mod.ts";
import { layerOfParameter, type Slot, slotsIn } from "../precision/mod.ts";
import { formatsIn, type Precision } from "../tensorflow/mod.ts";

/** An operand with delayed scaling. */
export interface DelayedOperand {
  /** Steps in its history: those of the product that uses most. */
  readonly length: number;
  /** Steps whose maxima determine the scale in its first product, and the largest number of the format there. */
  readonly first: { readonly history: number; readonly largest: number };
}

/** Returns the operands with delayed scaling, by `LAYER.OPERAND` (`h.0.mlp.c_fc.dy`). */
export function delayedOperands(model: GptConfig, precision: Precision): Record<string, DelayedOperand> {
  const matrices = Object.entries(parameterShapes(model)).flatMap(([name, shape]) =>
    name.startsWith("h.") && shape.length === 2 ? [name.replace(/\.weight$/, "")] : []
  );
  const found: Record<string, DelayedOperand> = {};
  for (const name of [...matrices, HEAD_LAYER]) {
    const layer = layerOfParameter(name);
    const isEnd = layer === "h.0" || layer === `h.${model.nLayer - 1}`;
    const formats = formatsIn(precision, { layer, isEnd, opClass: "linear" });
    for (const [slot, { scaling, format: { largest } }] of Object.entries(slotsIn(formats))) {
      const [, operand] = slot.split(".") as [string, string];
      if (scaling?.kind !== "delayed" || (slot as Slot).endsWith(".out")) continue;
      const key = `${name}.${operand}`, history = scaling.history!, former = found[key];
      found[key] = {
        length: Math.max(former?.length ?? 0, history),
        first: former?.first ?? { history, largest },
      };
    }
  }
  return found;
}

/** Returns the histories before the first step: zeros, which stand for no step. */
export function initialHistories(operands: Readonly<Record<string, DelayedOperand>>): Parameters {
  return Object.fromEntries(Object.entries(operands).map(([name, { length }]) => [name, tf.zeros([length])]));
}

/**
 * Returns the probes of an operand: its largest magnitude `amax`, and the `scale` of the step, which follows from the
 * maxima of the previous steps; from `amax` if there are none.
 *
 * @param history Maxima before the step, most recent first.
 * @param amax Maximum of the step.
 */
export function delayedProbes(
  { first: { history: length, largest } }: DelayedOperand,
  { history, amax }: { history: tf.Tensor; amax: tf.Tensor },
): Record<string, tf.Tensor> {
  const past = tf.max(tf.slice(history, [0], [Math.min(length, history.size)]));
  const used = tf.where(tf.greater(past, 0), past, amax);
  const scale = tf.where(tf.greater(used, 0), tf.div(largest, used), 1);
  return { amax: tf.clone(amax), scale };
}

/** Returns the histories after a step: its maxima first, without the oldest ones. */
export function nextHistories(former: Parameters, seen: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(former).map(([name, history]) => {
      const amax = seen[name];
      if (amax === undefined) return [name, tf.clone(history)];
      return [name, tf.concat([tf.reshape(amax, [1]), tf.slice(history, [0], [history.size - 1])])];
    }),
  );
}
