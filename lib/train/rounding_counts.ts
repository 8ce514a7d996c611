/**
 * Counts of values that a format of small range saturates, flushes to 0, or rounds to its largest magnitude.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { ObservedRounding } from "../tensorflow/binding/region.ts";
import { autocast, toFloat32 } from "../tensorflow/mod.ts";

/** Bits of the exponent of float32. Formats with as many neither saturate nor flush numbers of a model. */
const FULL_RANGE = 8;

/** Metrics of a rounding: names of the shares of values and of gradients. */
const METRICS = [["saturated", "gradSaturated"], ["flushed", "gradFlushed"], [
  "lastBin",
  "gradLastBin",
]] as const;

/** Collects roundings by layer, while a step runs or is traced. */
export class RoundingCounts {
  /** Counts of {@linkcode METRICS}, float32 [3], and number of values, by layer and direction. */
  readonly #parts = new Map<string, { counts: tf.Tensor[]; values: number }>();

  /** Adds a rounding. */
  add({ layer, backward, format, before, after }: ObservedRounding): void {
    if (layer === "" || format.exponent >= FULL_RANGE) return;
    const key = `${layer}\n${Number(backward)}`;
    const part = this.#parts.get(key) ?? { counts: [], values: 0 };
    const counts = tf.tidy(() =>
      autocast("float32", () => {
        const size = tf.abs(toFloat32(before)), rounded = tf.abs(toFloat32(after));
        const isFlushed = tf.logicalAnd(tf.greater(size, 0), tf.equal(rounded, 0));
        return tf.stack(
          [tf.greater(size, format.largest), isFlushed, tf.equal(rounded, format.largest)]
            .map((which) => tf.sum(tf.cast(which, "float32"))),
        );
      })
    );
    part.counts.push(tf.keep(counts));
    this.#parts.set(key, { ...part, values: part.values + before.size });
  }

  /** Returns the shares by layer and metric, as kept tensors, and frees the counts. */
  shares(): Record<string, Record<string, tf.Tensor>> {
    const shares: Record<string, Record<string, tf.Tensor>> = {};
    for (const [key, { counts, values }] of this.#parts) {
      const [layer = "", backward] = key.split("\n");
      const found = tf.tidy(() => tf.unstack(tf.div(tf.addN(counts), values)));
      METRICS.forEach((names, i) => (shares[layer] ??= {})[names[Number(backward)]!] = found[i]!);
      tf.dispose(counts);
    }
    return shares;
  }
}
