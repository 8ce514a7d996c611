/**
 * What weights and the optimizer's state are kept in, where the class `optimizer` has a format: they are rounded to it
 * after each update, which is computed in float32, as a fused kernel over 16-bit weights does. Their tensors stay
 * float32, which has every format's values.
 *
 * Sources: Zamirai 2020 *Revisiting BFloat16 Training* (nearest, stochastic and Kahan's compensated updates of bfloat16
 * weights); the fused AdamW of PyTorch, which computes in float32 and rounds weights and moments once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { type Format, layerOfParameter, parseFormat } from "../precision/mod.ts";
import { foldIn, formatIn, type Precision, roundTo, toFloat32 } from "../tensorflow/mod.ts";
import type { OptimizerState } from "./optimizer.ts";

/** Formats by parameter, of those that have one other than float32. */
export type StateFormats = Readonly<Record<string, Format>>;

/** What Kahan's compensation is kept as among an optimizer's state. */
export const COMPENSATION = "compensation";

/** The formats that a precision sets for parameters and their state. */
export function stateFormats(names: readonly string[], precision: Precision): StateFormats {
  const formats: Record<string, Format> = {};
  for (const name of names) {
    const format = formatIn(precision, { layer: layerOfParameter(name), opClass: "optimizer" });
    if (format !== undefined && format.name !== "float32") formats[name] = format;
  }
  return formats;
}

/** Whether any of the formats keeps a compensation. */
export function isCompensated(formats: StateFormats): boolean {
  return Object.values(formats).some(({ rounding }) => rounding === "kahan");
}

/** Weights rounded to the nearest of their formats' values, as a run begins with them; the given ones are disposed of. */
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
 * Rounds what an update made to the formats. Of moments, and of Kahan's compensation, to nearest whatever the mode:
 * stochastic rounding and compensation are of weights.
 *
 * @param former Weights and state before the update.
 * @param next What the optimizer made of them, in float32.
 * @param how The formats, and what stochastic rounding draws from: the i-th parameter from `foldIn(key, -1 - i)`.
 */
export function roundUpdate(
  former: { parameters: Parameters; moments: OptimizerState },
  next: { parameters: Parameters; moments: OptimizerState },
  { formats, key }: { formats: StateFormats; key: tf.Tensor | undefined },
): { parameters: Parameters; moments: OptimizerState } {
  if (Object.keys(formats).length === 0) return next;
  // Clones of what stays: results are tensors of their own, as the former ones are disposed of where no graph copies them.
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

/** The same format, rounded to nearest. */
function nearest(format: Format): Format {
  return parseFormat(format.name.replace(/-.*$/, ""));
}
