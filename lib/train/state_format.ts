/**
 * Number formats of weights and optimizer state, which a policy or an override sets for the operation class
 * `optimizer`. Updates are computed in float32 and then rounded to the format, as in a fused kernel for 16-bit weights.
 * The tensors stay float32, which represents all values of these formats.
 *
 * Sources: Zamirai 2020 *Revisiting BFloat16 Training* (nearest, stochastic and Kahan-compensated updates of bfloat16
 * weights), and the fused AdamW of PyTorch, which computes in float32 and rounds weights and moments once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { type Format, layerOfParameter, parseFormat } from "../precision/mod.ts";
import { foldIn, formatsIn, type Precision, roundTo, toFloat32 } from "../tensorflow/mod.ts";
import { joinSlot, separateSlot } from "./_joined.ts";
import type { OptimizerState } from "./optimizer.ts";

/** Number formats of parameters and their optimizer state, by parameter. Parameters in float32 are omitted. */
export type StateFormats = Readonly<Record<string, Format>>;

/** Name of the slot of the optimizer state with the rounding errors of Kahan summation. */
export const COMPENSATION = "compensation";

/**
 * Returns the formats that a precision sets for parameters and their optimizer state.
 *
 * @param names Names of the parameters.
 * @param precision The precision.
 */
export function stateFormats(names: readonly string[], precision: Precision): StateFormats {
  const formats: Record<string, Format> = {};
  for (const name of names) {
    const { whole } = formatsIn(precision, { layer: layerOfParameter(name), opClass: "optimizer" });
    const format = whole?.format;
    if (format !== undefined && format.name !== "float32") formats[name] = format;
  }
  return formats;
}

/** Returns true if any of the formats uses Kahan summation. */
export function isCompensated(formats: StateFormats): boolean {
  return Object.values(formats).some(({ rounding }) => rounding === "kahan");
}

/**
 * Rounds initial weights to nearest in their formats. A rounded weight is a new tensor, and the given tensor is freed.
 * Weights in float32 are returned unchanged.
 */
export function roundWeights(parameters: Parameters, formats: StateFormats): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, p]) => {
      const format = formats[name];
      if (format === undefined) return [name, p];
      const rounded = tf.tidy(() => toFloat32(roundTo(p, nearest(format))));
      p.dispose();
      return [name, rounded];
    }),
  );
}

/**
 * Rounds the weights and the optimizer state after an update to their formats. Stochastic rounding and Kahan summation
 * apply to weights only. The optimizer state is always rounded to nearest.
 *
 * @param former Weights and optimizer state before the update.
 * @param next Weights and optimizer state after the update, in float32.
 * @param how `formats`: the formats. `key`: key of stochastic rounding. Parameter i uses the key `foldIn(key, -1 - i)`.
 */
export function roundUpdate(
  former: { parameters: Parameters; moments: OptimizerState },
  next: { parameters: Parameters; moments: OptimizerState },
  { formats, key }: { formats: StateFormats; key: tf.Tensor | undefined },
): { parameters: Parameters; moments: OptimizerState } {
  if (Object.keys(formats).length === 0) return next;
  // Unchanged tensors are cloned: the former state is disposed of, and without a graph nothing else copies them.
  const compensation: Parameters = Object.fromEntries(
    Object.entries(former.moments[COMPENSATION] ?? {}).map(([name, lost]) => [name, tf.clone(lost)]),
  );
  const parameters = Object.fromEntries(
    Object.entries(next.parameters).map(([name, p], i) => {
      const format = formats[name];
      if (format === undefined) return [name, p];
      const round = (x: tf.Tensor) => toFloat32(roundTo(x, nearest(format)));
      if (format.rounding !== "kahan") {
        const drawn = format.rounding === "stochastic" && key !== undefined ? foldIn(key, -1 - i) : undefined;
        return [name, toFloat32(roundTo(p, format, drawn))];
      }
      const old = former.parameters[name]!;
      const wanted = tf.add(tf.sub(p, old), former.moments[COMPENSATION]![name]!);
      const kept = round(tf.add(old, wanted));
      compensation[name] = round(tf.sub(wanted, tf.sub(kept, old)));
      return [name, kept];
    }),
  );
  const rounded = (slot: Parameters): Parameters =>
    Object.fromEntries(
      Object.entries(slot).map(([name, value]) => {
        const format = formats[name];
        return [name, format === undefined ? value : toFloat32(roundTo(value, nearest(format)))];
      }),
    );
  const moments = Object.fromEntries(
    Object.entries(next.moments).map(([slot, values]) => {
      const isJoined = Object.keys(values).some((key) => !(key in next.parameters));
      return [slot, isJoined ? joinSlot(rounded(separateSlot(values, next.parameters))) : rounded(values)];
    }),
  );
  return {
    parameters,
    moments: isCompensated(formats) ? { ...moments, [COMPENSATION]: compensation } : moments,
  };
}

/** Returns the format with rounding to nearest. */
function nearest(format: Format): Format {
  return parseFormat(format.name.replace(/-(stochastic|truncate|kahan)$/, ""));
}
