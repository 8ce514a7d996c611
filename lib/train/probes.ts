/**
 * Probes: metrics of a training step that show where precision is lost. They are computed in the compiled step, from
 * the step's tensors. Only `gradCosine` and `coherence` require additional backward passes.
 *
 * @module
 */
import { currentTensorFlow } from "../tensorflow/binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import { layerOfParameter } from "../precision/mod.ts";
import { AttributeType } from "../tensorflow/native/attribute.ts";
import { DataType } from "../tensorflow/native/dtype.ts";
import {
  autocast,
  formatsIn,
  type Precision,
  sparseCrossEntropy,
  toFloat32,
  withObserver,
} from "../tensorflow/mod.ts";
import { countedTargets } from "../tensorflow/ops/cross_entropy_loss.ts";
import { sumOfSquares } from "../tensorflow/ops/sum_of_squares.ts";
import { withRoundingObserver } from "../tensorflow/precision/scope.ts";
import { separateSlot } from "./_joined.ts";
import type { OptimizerState } from "./optimizer.ts";
import { IGNORE_INDEX } from "../text/mod.ts";
import { RoundingCounts } from "./rounding_counts.ts";

/**
 * Metrics of a step by scope, then by name. A scope is a parameter (`h.0.attn.c_attn.weight`), a layer (`h.0`), an
 * operand (`h.0.mlp.c_fc.dy`), `head` or `loss`.
 *
 * Metrics of a parameter:
 * - `gradNorm`: the norm of the gradient.
 * - `gradCosine`: the cosine of the angle between the gradient and the float32 gradient for the same weights and batch.
 *   Omitted if the step is float32.
 * - `updateRatio`: the norm of the change of the parameter, divided by the norm of the parameter.
 * - `cancelled`: of the elements that the optimizer would change, the share that rounding leaves unchanged.
 * - `nonFinite`: the number of gradient elements that are NaN or infinite.
 * - `subnormal`: the number of gradient elements that are not 0 and below the smallest normal number of the format of
 *   the layer's matrix products. They are counted after the loss scale is removed. Under `fp16-autocast`, the gradients
 *   in the backward pass are larger by the loss scale.
 *
 * Metrics of a layer:
 * - `residualMax`: the largest magnitude on the residual stream after the layer.
 * - `activationMax`: the largest magnitude after the activation of the layer.
 * - `nonFinite`: the number of elements of both that are NaN or infinite.
 * - `attentionMax`: the largest attention logit, q · k / √D, of a query q and a key k that q attends to. D is the width
 *   of a head.
 * - `attentionEntropy`: the mean entropy of the attention weights over heads and queries, in nats.
 * - `saturated`, `flushed` and `lastBin`: of the values that are rounded to a format with fewer exponent bits than
 *   float32, the shares that exceed the largest number, are flushed to 0, and are rounded to the largest number. Scaled
 *   values are counted after scaling.
 * - `gradSaturated`, `gradFlushed` and `gradLastBin`: the same shares in the backward pass.
 * - `coherence`: ‖mean e‖ / (rms e / √K), where e is the gradient error of a part of the batch and K is the number of
 *   parts. About 1 if the errors of the parts are independent, √K if they are equal. Omitted if the step is float32, or
 *   if B is 1.
 *
 * Metrics of an operand with delayed scaling: `amax`, its largest magnitude, and `scale`, the factor by which its
 * values are multiplied before rounding.
 *
 * Metrics of `head`, where Z is the sum of the exponentials of a position's logits:
 * - `logitMin` and `logitMax`: the smallest and the largest logit.
 * - `logZMean` and `logZMax`: the mean and the maximum of log Z over positions.
 * - `nonFinite`: the number of logits that are NaN or infinite.
 *
 * Metric of `loss`: `byPosition`, the mean loss at each of the T positions, in nats per token.
 */
export type Probes = Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>;

/** Probes on the device: tensors of rank 0 or 1, by scope, then by metric. */
export type ProbeTensors = Record<string, Record<string, tf.Tensor>>;

/** Reads probes to the host, and frees their tensors. */
export function readProbes(tensors: ProbeTensors): Probes {
  const read = (tensor: tf.Tensor) => {
    const values = Array.from(tensor.dataSync());
    tensor.dispose();
    return tensor.rank === 0 ? values[0]! : values;
  };
  return Object.fromEntries(
    Object.entries(tensors).map(([place, figures]) => [
      place,
      Object.fromEntries(Object.entries(figures).map(([name, tensor]) => [name, read(tensor)])),
    ]),
  );
}

/** Merges probes. The metrics of a scope that occurs several times are combined. */
export function mergeProbes(...all: readonly Probes[]): Probes {
  const merged: Record<string, Record<string, number | readonly number[]>> = {};
  for (const probes of all) {
    for (const [scope, figures] of Object.entries(probes)) Object.assign(merged[scope] ??= {}, figures);
  }
  return merged;
}

/**
 * Runs a forward pass, with or without its backward pass, and computes metrics of its tensors.
 *
 * @param batch `y`: targets of the batch, int32 [B, T].
 * @param model Config of the model.
 * @param work Runs the pass.
 * @returns `result`: the result of `work`. `figures`: the metrics. The caller owns the tensors, which `tf.tidy` does
 * not free.
 */
export function observeForward<R>(
  batch: { y: tf.Tensor2D },
  model: GptConfig,
  work: () => R,
): { result: R; figures: ProbeTensors } {
  const [B, T] = batch.y.shape;
  const parts = new Map<string, { combine: Combine; tensors: tf.Tensor[] }>();
  const add = (place: string, name: string, combine: Combine, tensor: tf.Tensor) => {
    const key = `${place}\n${name}`;
    const part = parts.get(key) ?? { combine, tensors: [] };
    part.tensors.push(tf.keep(tensor));
    parts.set(key, part);
  };
  let row = 0; // row of the next logits
  const { targets, counted } = countedTargets(batch.y, IGNORE_INDEX); // [N]
  const roundings = new RoundingCounts();
  const observed = () => withRoundingObserver((rounding) => roundings.add(rounding), work);
  const result = withObserver((what, layer, given) => {
    // Metrics are in float32 in every region: they are not part of the run.
    autocast("float32", () => {
      const x = toFloat32(given);
      if (what === "residual" || what === "activation") {
        add(layer, `${what}Max`, "max", tf.max(tf.abs(x)));
        add(layer, "nonFinite", "sum", countNonFinite(x));
      } else if (what === "scores") {
        const scale = model.attentionSoftCap === undefined ? 1 / Math.sqrt(model.nEmbd / model.nHead) : 1;
        const seen = tf.add(tf.mul(x, scale), unseen(x.shape.at(-2)!, x.shape.at(-1)!));
        add(layer, "attentionMax", "max", tf.max(seen));
      } else if (what === "weights") {
        const terms = tf.mul(x, tf.log(tf.maximum(x, 1e-30)));
        add(layer, "attentionEntropy", "max", tf.neg(tf.div(tf.sum(terms), x.size / x.shape.at(-1)!)));
      } else if (what === "logits") {
        const rows = x.shape[0]!;
        const logZ = tf.logSumExp(x, 1);
        add("head", "logitMin", "min", tf.min(x));
        add("head", "logitMax", "max", tf.max(x));
        add("head", "logZMean", "sum", tf.div(tf.sum(logZ), B * T));
        add("head", "logZMax", "max", tf.max(logZ));
        add("head", "nonFinite", "sum", countNonFinite(x));
        const losses = sparseCrossEntropy(x, tf.slice(targets, [row], [rows]));
        add(
          "loss",
          "byPosition",
          "concat",
          tf.where(tf.cast(tf.slice(counted!, [row], [rows]), "bool"), losses, 0),
        );
        row += rows;
      }
    });
  }, observed);
  const figures: ProbeTensors = roundings.shares();
  for (const [key, { combine, tensors }] of parts) {
    const [place = "", name = ""] = key.split("\n");
    const combined = tf.tidy(() =>
      combine === "concat"
        ? tf.div(tf.sum(tf.reshape(tf.concat(tensors), [B, T]), 0), tf.sum(tf.reshape(counted!, [B, T]), 0))
        : COMBINE[combine](tf.stack(tensors))
    );
    (figures[place] ??= {})[name] = combined;
    tf.dispose(tensors);
  }
  return { result, figures };
}

/** Reduction of several values of a metric, such as the values of several chunks of logits. */
type Combine = "max" | "min" | "sum" | "concat";

const COMBINE = {
  max: (x: tf.Tensor) => tf.max(x),
  min: (x: tf.Tensor) => tf.min(x),
  sum: (x: tf.Tensor) => tf.sum(x),
} as const;

/** Returns 0 where a query sees a key, -Infinity elsewhere, [Q, K]. */
function unseen(Q: number, K: number): tf.Tensor {
  const later = tf.greater(tf.reshape(tf.range(0, K), [1, K]), tf.reshape(tf.range(0, Q), [Q, 1]));
  return tf.where(later, tf.fill([Q, K], -Infinity), tf.zeros([Q, K]));
}

function countNonFinite(x: tf.Tensor): tf.Tensor {
  return tf.sum(tf.cast(tf.logicalNot(tf.isFinite(x)), "float32"));
}

/**
 * Returns metrics of the gradient and the update of every parameter.
 *
 * @param step `gradients`: gradients of the step. `wide`: gradients in float32, or undefined if the step is float32.
 * `before`: weights before the step. `after`: weights and optimizer state after the step.
 * @param precision Precision of the step.
 */
export function updateFigures(
  step: {
    gradients: Parameters;
    wide: Parameters | undefined;
    before: Parameters;
    after: { parameters: Parameters; moments: OptimizerState };
  },
  precision: Precision,
): ProbeTensors {
  const { gradients, wide, before, after } = step;
  const norm = (x: tf.Tensor) => tf.sqrt(sumOfSquares(x));
  const { m: joined, momentum } = after.moments; // Muon has either for each parameter
  const m = joined && separateSlot(joined, before);
  return Object.fromEntries(
    Object.entries(gradients).map(([name, gradient]) => {
      const [old, next] = [before[name]!, after.parameters[name]!];
      const gradNorm = norm(gradient), float32 = wide?.[name];
      const wanted = tf.notEqual(m?.[name] ?? momentum?.[name] ?? gradient, 0);
      const cancelled = tf.logicalAnd(wanted, tf.equal(old, next));
      const count = (which: tf.Tensor) => tf.sum(tf.cast(which, "float32"));
      return [name, {
        gradNorm,
        ...(float32 && {
          gradCosine: tf.div(tf.sum(tf.mul(gradient, float32)), tf.mul(gradNorm, norm(float32))),
        }),
        updateRatio: tf.div(norm(tf.sub(next, old)), norm(old)),
        cancelled: tf.div(count(cancelled), tf.maximum(count(wanted), 1)),
        nonFinite: countNonFinite(gradient),
        subnormal: count(isSubnormal(gradient, smallestNormal(name, precision))),
      }];
    }),
  );
}

/** Returns the bit pattern, as a float32, of the smallest normal number of the format of a parameter's products. */
function smallestNormal(name: string, precision: Precision): number {
  const layer = layerOfParameter(name);
  const { whole } = formatsIn(precision, { layer, opClass: "linear" });
  // Scaled gradients do not underflow in the format of products: their results have float32's range.
  const exponent = whole === undefined || whole.scaling !== undefined ? 8 : whole.format.exponent;
  return 128 - (2 ** (exponent - 1) - 1) << 23;
}

/** Marks subnormal numbers other than 0. Compares bits, since TensorFlow's arithmetic flushes subnormals to 0. */
function isSubnormal(x: tf.Tensor, smallest: number): tf.Tensor {
  const int = (value: number) => tf.scalar(value, "int32");
  const { backend } = currentTensorFlow();
  const bits = backend.executeSingleOutput("Bitcast", [
    { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
    { name: "type", type: AttributeType.TYPE, value: DataType.INT32 },
  ], [x]);
  const size = backend.executeSingleOutput("BitwiseAnd", [
    { name: "T", type: AttributeType.TYPE, value: DataType.INT32 },
  ], [bits, int(0x7fffffff)]);
  return tf.logicalAnd(tf.greater(size, int(0)), tf.less(size, int(smallest)));
}
