/**
 * Formats of weights and optimizer state, if the class `optimizer` has a format. Updates are computed in float32 and then
 * rounded to the format, as in a fused kernel over 16-bit weights. The tensors stay float32, because float32 represents
 * all values of these formats.
 *
 * Sources: Zamirai 2020 *Revisiting BFloat16 Training* (nearest, stochastic and Kahan-compensated updates of bfloat16
 * weights); the fused AdamW of PyTorch, which computes in float32 and rounds weights and moments once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { type Format, layerOfParameter, parseFormat } from "../precision/mod.ts";
import { foldIn, formatsIn, type Precision, roundTo, toFloat32 } from "../tensorflow/mod.ts";
import type { OptimizerState } from "./optimizer.ts";

/** Formats by parameter, for parameters whose format is not float32. */
export type StateFormats = Readonly<Record<string, Format>>;

/** Name of the optimizer state slot that holds Kahan compensation. */
export const COMPENSATION = "compensation";

/** Returns the formats that a precision sets for parameters and their optimizer state. */
export function stateFormats(names: readonly string[], precision: Precision): StateFormats {
  const formats: Record<string, Format> = {};
  for (const name of names) {
    const { whole } = formatsIn(precision, { layer: layerOfParameter(name), opClass: "optimizer" });
    const format = whole?.format;
    if (format !== undefined && format.name !== "float32") formats[name] = format;
  }
  return formats;
}

/** Returns whether any format uses Kahan compensation. */
export function isCompensated(formats: StateFormats): boolean {
  return Object.values(formats).some(({ rounding }) => rounding === "kahan");
}

/** Rounds initial weights to the nearest values of their formats. The given weights are freed. */
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
 * Rounds the result of an update to the formats. Moments and Kahan compensation are always rounded to nearest:
 * stochastic rounding and compensation apply to weights only.
 *
 * @param former Weights and state before the update.
 * @param next Weights and state after the update, in float32.
 * @param how The formats, and the key of stochastic rounding: parameter i draws from `foldIn(key, -1 - i)`.
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
  const moments = Object.fromEntries(
    Object.entries(next.moments).map(([slot, values]) => [
      slot,
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => {
          const format = formats[name];
          return [name, format === undefined ? value : toFloat32(roundTo(value, nearest(format)))];
        }),
      ),
    ]),
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
