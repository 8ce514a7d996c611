/**
 * Sums on the residual stream. In a graph, such a sum and the norm after it are computed in one pass over memory,
 * forward and backward. A model writes `x = residual(x, attn(norm(x)))`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { DataType } from "../native/dtype.ts";
import { isFused } from "../binding/fused.ts";
import { hasFormat, operation } from "../precision/scope.ts";
import { dtypeOf } from "../binding/true_dtype.ts";

/** The two terms of a sum on the residual stream. */
export interface Branches {
  /** The residual stream, float32. */
  readonly x: tf.Tensor;
  /** The branch that is added, of any floating type. */
  readonly y: tf.Tensor;
}

/** Terms of the sums in graphs, kept until a norm uses them. */
const branchesOf = new WeakMap<tf.Tensor, Branches>();
/** Sums that a norm has recomputed, by the equal sums that they replace. */
const replacements = new WeakMap<tf.Tensor, tf.Tensor>();

/**
 * Adds a branch to the residual stream. The result has the format of the class `residual` if one is set, else the wider
 * type of the two terms.
 *
 * @param x The residual stream, any shape.
 * @param y The branch, of the same shape or a shape that broadcasts to it.
 * @returns The sum, of the shape of x.
 */
export function residual(x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const replacement = replacements.get(x);
  const stream = replacement === undefined || replacement.isDisposed ? x : replacement;
  const sum = residualSum([stream, y]);
  const canFuse = isFused([x, y]) && !hasFormat("residual") &&
    dtypeOf(stream) === DataType.FLOAT &&
    tf.util.arraysEqual(x.shape, y.shape);
  if (canFuse) branchesOf.set(sum, { x: stream, y });
  return sum;
}

const residualSum = operation("residual", ([x, y]: [tf.Tensor, tf.Tensor]) => tf.add(x, y));

/**
 * Returns the terms of a sum that the norm after it may recompute; undefined if there are none.
 *
 * @internal
 */
export function takeBranches(sum: tf.Tensor): Branches | undefined {
  const branches = branchesOf.get(sum);
  branchesOf.delete(sum);
  return branches === undefined || branches.x.isDisposed || branches.y.isDisposed ? undefined : branches;
}

/**
 * Replaces a sum by the equal sum that a norm has recomputed. The graph then drops the original, which is unused.
 *
 * @internal
 */
export function replaceSum(sum: tf.Tensor, equal: tf.Tensor): void {
  replacements.set(sum, equal);
}
