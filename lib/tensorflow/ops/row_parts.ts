/**
 * Parts of a batch. Layers depend on each other, so their ops run one after the other. A second core then only helps
 * within an op, where threads synchronize at the end of each op. A model therefore computes the two halves of a batch
 * concurrently, with one thread per op on two cores.
 *
 * Only ops that process each sequence independently are divided. Gradients of weights are sums over all parts. If the
 * policy lowers matrix products, such a gradient is rounded once, after the sum.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { currentTensorFlow } from "../binding/backend.ts";
import type { Observer } from "../binding/region.ts";

/** The number of parts. */
const PARTS = 2;

/**
 * Minimum number of elements of [N, C] to divide. Measured on two cores of an AMD EPYC (Zen 4): a step with 2^14 elements
 * takes 0.75 of the time in parts, one with 2^13 the same time.
 */
const MIN_ELEMENTS = 2 ** 14;

/**
 * Splits the rows of a batch into parts that a graph computes concurrently. Returns the undivided rows in these cases:
 * outside of a graph, on a GPU, with formats of operation classes (scales and random numbers may depend on all rows), for
 * an odd B, and below 2^14 elements. The choice depends on shapes and the precision only, not on the number of
 * threads.
 *
 * @param rows Rows of all sequences in order, [N, ...].
 * @param batch `B`: number of sequences, a divisor of N. `isDivisible`: false if the computation of a sequence depends on
 * the others (default: true).
 */
export function partsOf(
  rows: tf.Tensor,
  { B, isDivisible = true }: { B: number; isDivisible?: boolean },
): tf.Tensor[] {
  const { binding } = currentTensorFlow(), { trace } = binding;
  if (trace?.mode !== "graph" || binding.isUsingGpuDevice() || rows.size < MIN_ELEMENTS) return [rows];
  const { policy: { classes, linear, overrides = [] } } = binding.regions.current;
  const hasFormats = Object.keys(classes).length > 0 || linear !== undefined || overrides.length > 0;
  const count = isDivisible && !hasFormats && B % PARTS === 0 ? PARTS : 1;
  trace.noteBatch(count);
  return count === 1 ? [rows] : tf.split(rows, count);
}

/** Joins the rows of all parts. */
export function joinParts(parts: readonly tf.Tensor[]): tf.Tensor {
  return parts.length === 1 ? parts[0]! : tf.concat([...parts]);
}

/**
 * Applies a function to each part. An active observer receives each observed tensor once, with the rows of all parts.
 *
 * @param fn The function. It must observe the same quantities in the same order for each part.
 */
export function mapParts(
  parts: readonly tf.Tensor[],
  fn: (part: tf.Tensor, i: number) => tf.Tensor,
): tf.Tensor[] {
  const { regions } = currentTensorFlow().binding, { observer } = regions.current;
  const count = parts.length;
  if (observer === undefined || count === 1) return regions.within({ parts: count }, () => parts.map(fn));
  const seen: { what: string; layer: string; tensors: tf.Tensor[] }[] = [];
  try {
    const results = parts.map((part, i) => {
      let next = 0;
      const note: Observer = (what, layer, tensor) =>
        void (seen[next++] ??= { what, layer, tensors: [] }).tensors.push(tf.keep(tf.clone(tensor)));
      return regions.within({ parts: count, observer: note }, () => fn(part, i));
    });
    for (const { what, layer, tensors } of seen) tf.tidy(() => observer(what, layer, joinParts(tensors)));
    return results;
  } finally {
    tf.dispose(seen.flatMap(({ tensors }) => tensors));
  }
}
