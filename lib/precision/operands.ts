/**
 * Operands of the three products of a linear layer y = x W. The forward product gives y. dgrad gives the gradient of
 * the input, dx = dy Wᵀ. wgrad gives the gradient of the weight, dW = xᵀ dy. Plain data.
 *
 * @module
 */

/** An operand or the result (`out`) of one of a linear layer's three products, such as `wgrad.dy`. */
export type Slot =
  | `forward.${"x" | "w" | "out"}`
  | `dgrad.${"dy" | "w" | "out"}`
  | `wgrad.${"x" | "dy" | "out"}`;

/** All operands and results of the three products. */
export const SLOTS: readonly Slot[] = [
  "forward.x",
  "forward.w",
  "forward.out",
  "dgrad.dy",
  "dgrad.w",
  "dgrad.out",
  "wgrad.x",
  "wgrad.dy",
  "wgrad.out",
];

/** The operands of the three products, without the results. */
export const OPERANDS: readonly Slot[] = SLOTS.filter((slot) => !slot.endsWith(".out"));

/** Syntax of operand names, for help texts and error messages. */
export const OPERAND_NAMES: string =
  `one operand or result of a product (${
    SLOTS.join(", ")
  }), one tensor in all products (x, w, dy, out), or both operands of ` +
  "one product (forward, dgrad, wgrad)";

/**
 * Returns the operands and results that a name selects.
 *
 * @param name An operand or result (`wgrad.x`), a tensor (`dy`: in both dgrad and wgrad), or a product (`dgrad`: its
 * two operands).
 * @returns The operands and results. Empty for an unknown name.
 */
export function slotsOf(name: string): readonly Slot[] {
  const exact = SLOTS.filter((slot) => slot === name);
  if (exact.length > 0 || name.includes(".")) return exact;
  const ofTensor = SLOTS.filter((slot) => slot.endsWith(`.${name}`));
  return ofTensor.length > 0 ? ofTensor : OPERANDS.filter((slot) => slot.startsWith(`${name}.`));
}
