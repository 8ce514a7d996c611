/**
 * State of delayed scaling, as in Transformer Engine: the largest magnitude (amax) of each operand of linear layers in
 * each of the last steps. The scale of an operand in a step is computed from the maxima of previous steps.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, HEAD_LAYER, type Parameters, parameterShapes } from "../model/mod.ts";
import { layerOfParameter, type Slot, slotsIn } from "../precision/mod.ts";
import { formatsIn, type Precision } from "../tensorflow/mod.ts";

/** An operand of a linear layer with delayed scaling, such as the gradient `dy` of the output. */
export interface DelayedOperand {
  /** Number of steps in the operand's history: the most that a matrix product with this operand uses. */
  readonly length: number;
  /**
   * The first product with this operand, whose scale the probes report. `history`: number of steps whose maxima
   * determine the scale. `largest`: the largest number of the product's format.
   */
  readonly first: { readonly history: number; readonly largest: number };
}

/** Returns the operands with delayed scaling, by `LAYER.OPERAND`, such as `h.0.mlp.c_fc.dy`. */
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

/**
 * Returns the histories before the first step, float32 [`length`] per operand. All are zeros, which mean "no step yet".
 */
export function initialHistories(operands: Readonly<Record<string, DelayedOperand>>): Parameters {
  return Object.fromEntries(Object.entries(operands).map(([name, { length }]) => [name, tf.zeros([length])]));
}

/**
 * Returns the probes of an operand in a step: its largest magnitude `amax`, and its `scale`. The scale is computed from
 * the maxima of previous steps, or from `amax` in the first step.
 *
 * @param operand The operand.
 * @param step `history`: maxima of previous steps, float32 [n], most recent first. `amax`: maximum of the step, a
 * scalar.
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

/**
 * Returns the histories after a step. The maximum of the step is inserted at the front, and the oldest one is dropped.
 *
 * @param former Histories before the step, by operand.
 * @param seen Maxima of the step, by operand. The history of an operand without one is unchanged.
 */
export function nextHistories(former: Parameters, seen: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(former).map(([name, history]) => {
      const amax = seen[name];
      if (amax === undefined) return [name, tf.clone(history)];
      return [name, tf.concat([tf.reshape(amax, [1]), tf.slice(history, [0], [history.size - 1])])];
    }),
  );
}
