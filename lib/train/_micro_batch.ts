/**
 * Batches as arguments of compiled functions, and their division into micro-batches.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { foldIn } from "../tensorflow/mod.ts";
import type { BatchTensors } from "./loss.ts";

/** A batch in the form that compiled functions accept: a record of tensors, without undefined entries. */
export type BatchTree = Record<string, tf.Tensor | Parameters>;

/** Returns a batch as a record. */
export function treeOf({ x, y, dropoutKey, roundingKey }: BatchTensors): BatchTree {
  return { x, y, ...(dropoutKey && { dropoutKey }), ...(roundingKey && { roundingKey }) };
}

/** Returns the rounding key of an update, if there is one. */
export function keyOf({ roundingKey }: { roundingKey?: tf.Tensor | undefined }): { roundingKey?: tf.Tensor } {
  return roundingKey === undefined ? {} : { roundingKey };
}

/**
 * Returns a micro-batch: a slice of the batch, with dropout and rounding keys of its own.
 *
 * @param batch The whole batch, B sequences.
 * @param at `i`: index of the micro-batch, from 0. `of`: number of micro-batches, a divisor of B.
 */
export function microBatch(
  { x, y, dropoutKey, roundingKey }: BatchTensors,
  { i, of }: { i: number; of: number },
): BatchTree {
  const [B, T] = x.shape;
  const rows = B / of;
  if (!Number.isInteger(rows)) {
    throw new RangeError(
      `Cannot split a batch into ${of} micro-batches: expected a B divisible by ${of}, got ${B}`,
    );
  }
  const [partX, partY] = [x, y].map((ids) => tf.slice(ids, [i * rows, 0], [rows, T])) as [
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  return treeOf({
    x: partX,
    y: partY,
    ...(dropoutKey && { dropoutKey: foldIn(dropoutKey, i) }),
    ...(roundingKey && { roundingKey: foldIn(roundingKey, i) }),
  });
}
