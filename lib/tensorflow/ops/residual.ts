/**
 * Sums on the residual stream. In a graph the LayerNorm of such a sum is computed with it in one pass over memory, forward
 * and backward, so that a model may write `x = residual(x, attn(norm(x)))`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { DataType } from "../native/dtype.ts";
import { isFused } from "../compile/fused.ts";
import { formatOf, operation } from "../precision/scope.ts";
import { dtypeOf } from "../binding/true_dtype.ts";

/** The terms of a sum on the stream. */
export interface Branches {
  /** The stream, float32. */
  readonly x: tf.Tensor;
  /** What is added, of any floating type. */
  readonly y: tf.Tensor;
}

/** Sums in graphs by their terms, until a LayerNorm takes them. */
const branchesOf = new WeakMap<tf.Tensor, Branches>();
/** Sums that came out of a LayerNorm's pass, by the sums that they equal. */
const replacements = new WeakMap<tf.Tensor, tf.Tensor>();

/**
 * Adds a branch to the residual stream, in the format of the class `residual` if one is set, else in the widest type.
 *
 * @param x The stream, any shape.
 * @param y What is added to it, of the same shape or one that is broadcast to it.
 */
export function residual(x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const replacement = replacements.get(x);
  const stream = replacement === undefined || replacement.isDisposed ? x : replacement;
  const sum = residualSum([stream, y]);
  const canFuse = isFused([x, y]) && formatOf("residual") === undefined &&
    dtypeOf(stream) === DataType.FLOAT &&
    tf.util.arraysEqual(x.shape, y.shape);
  if (canFuse) branchesOf.set(sum, { x: stream, y });
  return sum;
}

const residualSum = operation("residual", ([x, y]: [tf.Tensor, tf.Tensor]) => tf.add(x, y));

/**
 * Returns the terms of a sum whose LayerNorm may compute it again in its pass; undefined: there are none.
 *
 * @internal
 */
export function takeBranches(sum: tf.Tensor): Branches | undefined {
  const branches = branchesOf.get(sum);
  branchesOf.delete(sum);
  return branches === undefined || branches.x.isDisposed || branches.y.isDisposed ? undefined : branches;
}

/**
 * Has the stream continue from an equal sum. The graph drops the first, which nothing uses then.
 *
 * @internal
 */
export function replaceSum(sum: tf.Tensor, equal: tf.Tensor): void {
  replacements.set(sum, equal);
}
