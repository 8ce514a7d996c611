/**
 * Products of linear layers whose operands have formats of their own.
 *
 * The operands are quantized to float32 tensors, scaled along the axis that the product sums over, and multiplied in
 * float32. The result is rounded once.
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

/** The three products of a linear layer. */
export type Product = "forward" | "dgrad" | "wgrad";

/** Operands of a product: matrices, one of them possibly transposed. */
export interface Factors {
  readonly a: tf.Tensor;
  readonly b: tf.Tensor;
  /** True if `a` is transposed. Default: false. */
  readonly transposeA?: boolean;
  /** True if `b` is transposed. Default: false. */
  readonly transposeB?: boolean;
  /** Slots of `a` and `b`. */
  readonly slots: readonly [a: Slot, b: Slot];
  /** Added to the rows of the result. Default: none. */
  readonly bias?: tf.Tensor | undefined;
}

/** Formats of a layer, and its name for the maxima of delayed scaling. */
export interface QuantizedLayer {
  readonly formats: SlotFormats;
  /** Default: none. */
  readonly name?: string | undefined;
  /** Operands that an earlier product quantized. Default: none. */
  readonly known?: Readonly<Partial<Record<Slot, tf.Tensor>>>;
}

/**
 * Computes a product. If neither operand has a format, the policy's product of matrices does.
 *
 * @returns The result, in its format or in the policy's type, and the operands as multiplied.
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

/** Returns whether a later product can use an operand that an earlier one quantized. */
export function isReused({ formats }: QuantizedLayer, [earlier, later]: readonly [Slot, Slot]): boolean {
  const [first, second] = [formats[earlier], formats[later]];
  if (first === undefined || first.name !== second?.name || first.format.rounding === "stochastic") {
    return false;
  }
  const rotated = later.startsWith("wgrad.") && rotation() !== undefined;
  return !rotated && (first.scaling === undefined || ["tensor", "delayed"].includes(first.scaling.kind));
}

/** Quantizes both operands along the axis that the product sums over. */
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

/** Returns the rotation of the operands of the weight gradient, if any. */
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

/** Returns the maxima of previous steps of an operand, and records the current one. */
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

/** Rounds to the policy's type of products, and returns float32. */
function lowered(x: tf.Tensor): tf.Tensor {
  const low = productType();
  return float32(low === undefined ? x : cast(x, low));
}

/** Returns a result in its format, or in the policy's type of products. */
function typed(value: tf.Tensor, quantizer: Quantizer | undefined): tf.Tensor {
  if (quantizer !== undefined) return quantizeTensor(value, quantizer, { key: roundingKeyFor(quantizer) });
  const low = productType();
  return low === undefined ? value : cast(value, low);
}
