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

/** Length of the history of each operand, in steps, by `LAYER.OPERAND` (`h.0.mlp.c_fc.dy`). */
export type HistoryLengths = Readonly<Record<string, number>>;

/** Returns the operands with delayed scaling, and the lengths of their histories. */
export function historyLengths(model: GptConfig, precision: Precision): HistoryLengths {
  const matrices = Object.entries(parameterShapes(model)).flatMap(([name, shape]) =>
    name.startsWith("h.") && shape.length === 2 ? [name.replace(/\.weight$/, "")] : []
  );
  const lengths: Record<string, number> = {};
  for (const name of [...matrices, HEAD_LAYER]) {
    const layer = layerOfParameter(name);
    const isEnd = layer === "h.0" || layer === `h.${model.nLayer - 1}`;
    const formats = formatsIn(precision, { layer, isEnd, opClass: "linear" });
    for (const [slot, { scaling }] of Object.entries(slotsIn(formats))) {
      const [, operand] = slot.split(".") as [string, string];
      if (scaling?.kind !== "delayed" || (slot as Slot).endsWith(".out")) continue;
      const key = `${name}.${operand}`;
      lengths[key] = Math.max(lengths[key] ?? 0, scaling.history!);
    }
  }
  return lengths;
}

/** Returns the histories before the first step: zeros, which stand for no step. */
export function initialHistories(lengths: HistoryLengths): Parameters {
  return Object.fromEntries(Object.entries(lengths).map(([name, length]) => [name, tf.zeros([length])]));
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
