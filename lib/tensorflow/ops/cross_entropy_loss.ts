/**
 * Cross entropy of logits with PyTorch's semantics, in the plain form by TF.js's autodiff. The blocked form, which
 * never holds all logits, is `blocked_cross_entropy.ts`.
 *
 * Losses are float32 under every policy. If an override sets a format for the class `loss`, logits and losses of rows
 * are rounded to that format. Sums over rows are float32.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { optionNames, requireKnownNames } from "../../error/known_names.ts";
import { type LossRows, type LossSums, type Regularization, regularized } from "./blocked_cross_entropy.ts";
import { sparseCrossEntropy } from "./cross_entropy.ts";
import { joinParts, mapParts } from "./row_parts.ts";
import { layerScope, operation } from "../precision/scope.ts";
import { toFloat32 } from "../binding/true_dtype.ts";

/** Default of `ignoreIndex`, as in PyTorch. */
const IGNORE_INDEX = -100;

/** Options of {@linkcode crossEntropy}, with PyTorch's names and defaults. */
export interface CrossEntropyOptions {
  /** Target of rows that are excluded from the loss. Default: -100. */
  readonly ignoreIndex?: number | undefined;
  /** Epsilon of label smoothing, in [0, 1]. Default: 0, no smoothing. */
  readonly labelSmoothing?: number | undefined;
  /**
   * Coefficient of the z-loss, at least 0: the term `zLoss` · (log Z)² is added to the loss of each row. Z is the sum
   * of exp(logit). Default: 0.
   */
  readonly zLoss?: number | undefined;
  /**
   * Reduction over rows. `mean` (default): the mean over the rows that are not ignored. `sum`: the sum. `none`: the
   * loss of each row, 0 for ignored rows.
   */
  readonly reduction?: "mean" | "sum" | "none" | undefined;
}

/** Names of the options. */
const NAMES = optionNames<CrossEntropyOptions>({
  ignoreIndex: true,
  labelSmoothing: true,
  zLoss: true,
  reduction: true,
});

/**
 * Computes the cross entropy between logits and target ids in nats, as PyTorch's `CrossEntropyLoss` does.
 *
 * With label smoothing, the loss of a row is (1 - epsilon) nll + epsilon · the mean over V of -log p. If all targets
 * are ignored, `mean` is NaN.
 *
 * @param logits [N, V], in any floating type.
 * @param targets int32 [N], each in [0, V) or `ignoreIndex`.
 * @param options `ignoreIndex`, `labelSmoothing`, `zLoss`, `reduction`.
 * @returns A float32 scalar. With the reduction `none`, [N].
 * @throws {TypeError} If shapes or types do not match.
 * @throws {RangeError} If an option is unknown or out of range.
 */
export function crossEntropy(
  logits: tf.Tensor,
  targets: tf.Tensor,
  options: CrossEntropyOptions & { readonly reduction: "none" },
): tf.Tensor1D;
/** Computes the mean or the sum of the rows' losses, a float32 scalar. */
export function crossEntropy(logits: tf.Tensor, targets: tf.Tensor, options?: CrossEntropyOptions): tf.Scalar;
export function crossEntropy(
  logits: tf.Tensor,
  targets: tf.Tensor,
  options: CrossEntropyOptions = {},
): tf.Tensor {
  requireKnownNames(options, NAMES, "compute the cross entropy");
  const { ignoreIndex = IGNORE_INDEX, labelSmoothing = 0, zLoss = 0, reduction = "mean" } = options;
  requireRows(logits, targets);
  requireOptions({ ignoreIndex, labelSmoothing, zLoss, reduction });
  return tf.tidy(() => {
    const { targets: ids, counted } = countedTargets(targets, ignoreIndex);
    const losses = tf.mul(
      rowLosses([logits], ids, { labelSmoothing, zLoss }).objective,
      counted!,
    );
    if (reduction === "none") return losses;
    const sum = tf.sum(losses);
    return reduction === "sum" ? sum : tf.mul(sum, tokenScale(targets, ignoreIndex));
  });
}

function requireRows(logits: tf.Tensor, targets: tf.Tensor): void {
  const fail = (wanted: string, given: string, remedy: string): never => {
    throw new TypeError(`Cannot compute the cross entropy: expected ${wanted}, got ${given}. ${remedy}.`);
  };
  if (logits.rank !== 2 || logits.dtype !== "float32") {
    fail(
      "floating-point logits of shape [N, V]",
      `${logits.dtype} of shape [${logits.shape}]`,
      "Use tf.reshape(logits, [B * T, V])",
    );
  }
  if (targets.rank !== 1 || targets.shape[0] !== logits.shape[0]) {
    fail(
      `targets of shape [${logits.shape[0]}]`,
      `shape [${targets.shape}]`,
      "Use tf.reshape(y, [B * T])",
    );
  }
  if (targets.dtype !== "int32") fail("int32 targets", targets.dtype, 'Use tf.cast(targets, "int32")');
}

function requireOptions(
  { ignoreIndex, labelSmoothing, zLoss, reduction }: { [K in keyof Required<CrossEntropyOptions>]: unknown },
): void {
  const fail = (name: string, wanted: string, given: unknown): never => {
    throw new RangeError(`Cannot compute the cross entropy: expected ${name} ${wanted}, got ${given}.`);
  };
  if (!Number.isInteger(ignoreIndex)) fail("ignoreIndex", "to be an integer", ignoreIndex);
  if (!(typeof labelSmoothing === "number" && labelSmoothing >= 0 && labelSmoothing <= 1)) {
    fail("labelSmoothing", "in [0, 1]", labelSmoothing);
  }
  if (!(typeof zLoss === "number" && zLoss >= 0 && zLoss < Infinity)) {
    fail("zLoss", "to be a finite number of at least 0", zLoss);
  }
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none") {
    fail("reduction", "mean, sum or none", reduction);
  }
}

/** Computes the negative log likelihood of each row, float32 [N], from the logits of the parts of a batch. */
export function nllOfParts(logits: readonly tf.Tensor[], targets: tf.Tensor1D): tf.Tensor {
  const ids = targetsOfParts(logits, targets);
  return joinParts(mapParts(logits, (logits, i) => nllOfRows(logits, ids[i]!)));
}

/** Splits targets as the logits are split. */
function targetsOfParts(logits: readonly tf.Tensor[], targets: tf.Tensor1D): tf.Tensor1D[] {
  return logits.length === 1 ? [targets] : tf.split(targets, logits.map(({ shape }) => shape[0]!));
}

/**
 * Returns the losses of rows, float32 [N], from the logits of the parts of a batch: `objective` with label smoothing and
 * z-loss, and `nll` alone.
 */
function rowLosses(
  logits: readonly tf.Tensor[],
  targets: tf.Tensor1D,
  regularization: Regularization,
): { objective: tf.Tensor; nll: tf.Tensor } {
  const nll = nllOfParts(logits, targets);
  if (regularization.labelSmoothing === 0 && regularization.zLoss === 0) return { objective: nll, nll };
  const ofParts = (fn: (inputs: [tf.Tensor]) => tf.Tensor) =>
    joinParts(mapParts(logits, (logits) => layerScope("loss", () => toFloat32(fn([logits])))));
  const logZ = ofParts(logSumExp), spread = ofParts(meanSurprise);
  return { objective: regularized(nll, { logZ, spread }, regularization), nll };
}

/**
 * Computes the weighted sums of the losses of rows of logits.
 *
 * @param logits The logits of each part of the batch, [N / P, V], in any floating type.
 * @param rows Targets, weights and regularization of the N rows.
 * @returns The sums. With label smoothing or z-loss, `tf.tidy` does not free `nll`: the caller must dispose of it.
 */
export function plainCrossEntropy(logits: readonly tf.Tensor2D[], rows: LossRows): LossSums {
  const { targets, weights, regularization } = rows;
  const sum = (losses: tf.Tensor) => tf.sum(tf.mul(losses, weights)) as tf.Scalar;
  const { objective, nll } = rowLosses(logits, targets, regularization);
  const total = sum(objective);
  return { objective: total, nll: objective === nll ? total : tf.keep(sum(nll)) };
}

const logSumExp = operation("loss", ([logits]: [tf.Tensor]) => tf.logSumExp(toFloat32(logits), 1));

/**
 * Computes the mean over V of -log p, [N]. Each row's maximum is subtracted first, so that a common offset of the
 * logits costs no precision.
 */
const meanSurprise = operation(
  "loss",
  ([logits]: [tf.Tensor]) => tf.neg(tf.mean(tf.logSoftmax(toFloat32(logits), 1), 1)),
);

/** Computes the negative log likelihood of each row, float32 [N]. No target may be ignored. */
export function nllOfRows(logits: tf.Tensor, targets: tf.Tensor1D): tf.Tensor {
  return toFloat32(layerScope("loss", () => sparseCrossEntropy(logits, targets)));
}

/**
 * Returns the reciprocal of the number of targets that are not ignored, a float32 scalar. Multiplying a sum of losses
 * by it gives their mean. If all targets are ignored, it is infinite and the mean is NaN, as in PyTorch.
 */
export function tokenScale(y: tf.Tensor, ignoreIndex: number | undefined): tf.Scalar {
  if (ignoreIndex === undefined) return tf.scalar(1 / y.size);
  return tf.div(1, tf.sum(tf.cast(tf.notEqual(y, ignoreIndex), "float32"))) as tf.Scalar;
}

/**
 * Flattens targets to [N] and replaces ignored targets by 0. With an `ignoreIndex`, also returns the mask `counted`,
 * float32 [N]: 0 for ignored targets, else 1.
 */
export function countedTargets(
  y: tf.Tensor,
  ignoreIndex: number | undefined,
): { targets: tf.Tensor1D; counted: tf.Tensor1D | undefined } {
  const flat = tf.reshape(y, [-1]) as tf.Tensor1D;
  if (ignoreIndex === undefined) return { targets: flat, counted: undefined };
  const counts = tf.notEqual(flat, ignoreIndex);
  return {
    targets: tf.mul(flat, tf.cast(counts, "int32")) as tf.Tensor1D,
    counted: tf.cast(counts, "float32") as tf.Tensor1D,
  };
}
