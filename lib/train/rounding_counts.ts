/**
 * Counts of the values that exceed the largest number of their format, that are flushed to 0, or that are rounded to
 * the largest number. Only formats with fewer exponent bits than float32 are counted.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { ObservedRounding } from "../tensorflow/binding/region.ts";
import { autocast, toFloat32 } from "../tensorflow/mod.ts";

/** Exponent bits of float32. A format with as many bits neither saturates nor flushes the numbers of a model. */
const FULL_RANGE = 8;

/** Names of the metrics, in the order of the counts. Each pair is the name in the forward and in the backward pass. */
const METRICS = [["saturated", "gradSaturated"], ["flushed", "gradFlushed"], [
  "lastBin",
  "gradLastBin",
]] as const;

/** A collector of roundings by layer. It is used while a step runs or is traced. */
export class RoundingCounts {
  /** Counts of {@linkcode METRICS}, float32 [3], and number of values, by layer and direction. */
  readonly #parts = new Map<string, { counts: tf.Tensor[]; values: number }>();

  /** Adds the counts of one rounded tensor. Tensors outside of layers are ignored. */
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

  /**
   * Returns the metrics and frees the counts.
   *
   * @returns Shares of the rounded values, from 0 to 1, by layer and metric. `tf.tidy` does not free these tensors.
   */
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
