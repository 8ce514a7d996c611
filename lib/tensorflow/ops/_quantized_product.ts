/**
 * Products of linear layers whose operands have formats of their own.
 *
 * Each operand is quantized, with a scale along the axis that the product sums over. The quantized operands are
 * multiplied in float32. The result is rounded once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Quantizer, Slot, SlotFormats } from "../../precision/mod.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { POLICIES } from "../binding/policy.ts";
import { nextKey, roundingKeyFor } from "../precision/scope.ts";
import { amaxOf, quantizeTensor } from "../precision/quantize_tensor.ts";
import { hadamard } from "./_hadamard.ts";
import { cast, float32, productType, withPolicy } from "./_unit.ts";

/** The three products of a linear layer: y = x W, dx = dy Wᵀ (dgrad) and dW = xᵀ dy (wgrad). */
export type Product = "forward" | "dgrad" | "wgrad";

/** Operands of a product: two matrices, each possibly transposed. */
export interface Factors {
  readonly a: tf.Tensor;
  readonly b: tf.Tensor;
  /** True if `a` is transposed. Default: false. */
  readonly transposeA?: boolean;
  /** True if `b` is transposed. Default: false. */
  readonly transposeB?: boolean;
  /** Operands of the linear layer that `a` and `b` are. */
  readonly slots: readonly [a: Slot, b: Slot];
  /** Bias that is added to each row of the result. Default: none. */
  readonly bias?: tf.Tensor | undefined;
}

/** Formats of a linear layer, and the state of its products. */
export interface QuantizedLayer {
  readonly formats: SlotFormats;
  /**
   * Name of the layer in the records of delayed scaling. Default: none. Scales then use the current largest magnitude.
   */
  readonly name?: string | undefined;
  /** Operands that an earlier product has quantized. Default: none. */
  readonly known?: Readonly<Partial<Record<Slot, tf.Tensor>>>;
}

/**
 * Computes a product of a linear layer. If neither operand has a format, the product runs in the policy's type.
 *
 * @returns `value`: the result, in its format or else in the policy's type. `operands`: the two operands after
 * quantization.
 */
export function quantizedProduct(
  layer: QuantizedLayer,
  product: Product,
  { a, b, transposeA = false, transposeB = false, slots, bias }: Factors,
): { value: tf.Tensor; operands: readonly [tf.Tensor, tf.Tensor] } {
  const { formats } = layer;
  const out = formats[`${product}.out`];
  const plain = slots.every((slot) => formats[slot] === undefined);
  const [qa, qb] = plain && bias === undefined
    ? [a, b]
    : operandsOf(layer, { a, b, transposeA, transposeB, slots });
  const multiply = () => tf.matMul(qa, qb, transposeA, transposeB);
  const added = bias === undefined ? undefined : lowered(bias);
  const wide = plain && added === undefined
    ? multiply() // in the policy's type
    : withPolicy(POLICIES.float32, () => added === undefined ? multiply() : tf.add(multiply(), added));
  return { value: typed(wide, out), operands: [qa, qb] };
}

/** Returns true if a later product can use an operand that an earlier product has quantized. */
export function isReused({ formats }: QuantizedLayer, [earlier, later]: readonly [Slot, Slot]): boolean {
  const [first, second] = [formats[earlier], formats[later]];
  if (first === undefined || first.name !== second?.name || first.format.rounding === "stochastic") {
    return false;
  }
  const rotated = later.startsWith("wgrad.") && rotation() !== undefined;
  return !rotated && (first.scaling === undefined || ["tensor", "delayed"].includes(first.scaling.kind));
}

/** Quantizes both operands, with scales along the axis that the product sums over. */
function operandsOf(
  layer: QuantizedLayer,
  { a, b, transposeA, transposeB, slots: [slotA, slotB] }: Required<Omit<Factors, "bias">>,
): [tf.Tensor, tf.Tensor] {
  const rotate = slotA.startsWith("wgrad.") ? rotation() : undefined;
  const block = layer.formats[slotA]?.scaling?.block ?? 16;
  const signs = rotate === "random" ? nextKey() : undefined;
  const prepared = (x: tf.Tensor) => rotate === undefined ? x : hadamard(float32(x), { block, signs });
  return [
    operand(layer, { slot: slotA, axis: transposeA ? 0 : 1 }, prepared(a)),
    operand(layer, { slot: slotB, axis: transposeB ? 1 : 0 }, prepared(b)),
  ];
}

/** Returns the Hadamard rotation of wgrad's operands; undefined if the policy has none. */
function rotation(): "random" | "fixed" | undefined {
  return currentTensorFlow().binding.regions.current.policy.linear?.hadamard;
}

function operand(
  layer: QuantizedLayer,
  { slot, axis }: { slot: Slot; axis: number },
  x: tf.Tensor,
): tf.Tensor {
  const quantizer = layer.formats[slot], known = layer.known?.[slot];
  if (known !== undefined) return known;
  if (quantizer === undefined) return lowered(x);
  const history = quantizer.scaling?.kind === "delayed" ? historyOf(layer, slot, x) : undefined;
  return float32(quantizeTensor(x, quantizer, { axis, key: roundingKeyFor(quantizer), history }));
}

/**
 * Returns the largest magnitudes of an operand in previous steps, and records the current one. Undefined if there is no
 * record.
 */
function historyOf({ name }: QuantizedLayer, slot: Slot, x: tf.Tensor): tf.Tensor | undefined {
  const { amax } = currentTensorFlow().binding.regions.current;
  const key = `${name}.${slot.slice(slot.indexOf(".") + 1)}`;
  const history = amax?.histories[key];
  if (amax === undefined || history === undefined) return undefined;
  const former = amax.seen[key], current = amaxOf(x);
  amax.seen[key] = tf.keep(former === undefined ? current : tf.maximum(former, current));
  former?.dispose();
  return history;
}

/** Rounds to the policy's type of matrix products. Returns float32. */
function lowered(x: tf.Tensor): tf.Tensor {
  const low = productType();
  return float32(low === undefined ? x : cast(x, low));
}

/** Rounds a result to its format. Without a format, casts it to the policy's type of matrix products. */
function typed(value: tf.Tensor, quantizer: Quantizer | undefined): tf.Tensor {
  if (quantizer !== undefined) return quantizeTensor(value, quantizer, { key: roundingKeyFor(quantizer) });
  const low = productType();
  return low === undefined ? value : cast(value, low);
}
