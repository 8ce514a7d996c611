/**
 * Sums on the residual stream. In a graph, such a sum and its LayerNorm are computed in one pass over memory, forward
 * and backward. A model writes
 * `x = residual(x, attn(norm(x)))`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { DataType } from "../native/dtype.ts";
import { isFused } from "../binding/fused.ts";
import { hasFormat, operation } from "../precision/scope.ts";
import { dtypeOf } from "../binding/true_dtype.ts";

/** The terms of a sum on the stream. */
export interface Branches {
  /** The stream, float32. */
  readonly x: tf.Tensor;
  /** The branch to add, of any floating type. */
  readonly y: tf.Tensor;
}

/** Terms of sums in graphs, until a LayerNorm takes them. */
const branchesOf = new WeakMap<tf.Tensor, Branches>();
/** Sums computed in a LayerNorm's pass, by the equal sums that they replace. */
const replacements = new WeakMap<tf.Tensor, tf.Tensor>();

/**
 * Adds a branch to the residual stream, in the format of the class `residual` if set, else in the wider type.
 *
 * @param x The stream, any shape.
 * @param y The branch, of the same shape or one that broadcasts to it.
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
 * Returns the terms of a sum that its LayerNorm may recompute, or undefined.
 *
 * @internal
 */
export function takeBranches(sum: tf.Tensor): Branches | undefined {
  const branches = branchesOf.get(sum);
  branchesOf.delete(sum);
  return branches === undefined || branches.x.isDisposed || branches.y.isDisposed ? undefined : branches;
}

/**
 * Replaces a sum with an equal one from a LayerNorm's pass. The graph then drops the unused original.
 *
 * @internal
 */
export function replaceSum(sum: tf.Tensor, equal: tf.Tensor): void {
  replacements.set(sum, equal);
}
