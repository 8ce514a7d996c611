/**
 * Number formats of an operation class in a layer, as set by a policy and its overrides. Plain data, without tensors.
 *
 * @module
 */
import type { OpClass, PrecisionOverride } from "./override.ts";
import { type Quantizer, quantizerOf, splitQuantizer } from "./quantizer.ts";
import { OPERAND_NAMES, OPERANDS, type Slot, SLOTS, slotsOf } from "./operands.ts";
import type { LinearRecipe } from "./recipes.ts";

/** An operation class in a layer. */
export interface Scope {
  /** Name of the layer, as in {@linkcode layerNames}. Empty outside of a model. */
  readonly layer: string;
  /** True in the first and the last block of a model, which a recipe can leave in bfloat16. Default: false. */
  readonly isEnd?: boolean | undefined;
  /** The operation class. */
  readonly opClass: OpClass;
}

/**
 * Formats of the operands and results of linear layers. A {@linkcode Slot} without a format has the type that the
 * policy's lists of operations give.
 */
export type SlotFormats = Readonly<Partial<Record<Slot, Quantizer>>>;

/**
 * Formats of an operation class. `whole` is set, or `slots`, or neither. If neither is set, the policy's lists of
 * operations decide.
 */
export interface ClassFormats {
  /**
   * Format of all operations of the class. Without a scaling, it applies to inputs, results and their gradients. With a
   * scaling, it applies to the operands of matrix products (`linear`, `attention`), or to the inputs and results of
   * other classes.
   */
  readonly whole?: Quantizer;
  /** Formats of single operands and results of linear layers. Set for the class `linear` only. */
  readonly slots?: SlotFormats;
}

/**
 * Formats by operation class: `bfloat16`, or with a scaling `e4m7/tensor`. Classes without a format follow the policy's
 * lists of operations.
 */
export type PolicyClasses = Readonly<Partial<Record<OpClass, string>>>;

/** Formats of a policy. */
export interface PolicyFormats {
  /** Formats by operation class. */
  readonly classes: PolicyClasses;
  /**
   * Formats of the operands of linear layers in a recipe. The layers `embedding`, `head` and `loss` keep the policy's
   * type. Operations outside linear layers run as in `bf16-autocast`.
   */
  readonly linear?: LinearRecipe;
}

/** A policy's formats, together with overrides. */
export interface FormatsSource extends PolicyFormats {
  /** Overrides of the policy's formats. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
}

const NONE: ClassFormats = {};

/** Layers of a model that recipes leave in the policy's type. */
const OUTSIDE_BLOCKS: readonly string[] = ["embedding", "head", "loss"];

/**
 * Returns the formats that a policy and overrides set for an operation class in a layer. The last matching override
 * wins. An override with `operands` changes only the operands that it names.
 *
 * @throws {RangeError} For an unknown format, scaling or operand.
 */
export function classFormats(source: FormatsSource, scope: Scope): ClassFormats {
  const { classes, linear, overrides = [] } = source;
  const { layer, opClass, isEnd = false } = scope;
  const named = classes[opClass];
  let found: ClassFormats = named === undefined ? NONE : { whole: quantizerOf(splitQuantizer(named)) };
  const isPlain = OUTSIDE_BLOCKS.includes(layer) || linear?.plainEnds && isEnd;
  if (opClass === "linear" && linear !== undefined && !isPlain) {
    found = { slots: parsedSlots(linear.slots) };
  }
  for (const override of overrides) {
    if (!matches(override, scope)) continue;
    const whole = quantizerOf(override);
    if (override.operands === undefined) found = { whole };
    else if (opClass === "linear") {
      const set = override.operands.flatMap(slotsNamed).map((slot) => [slot, whole]);
      found = { slots: { ...slotsIn(found), ...Object.fromEntries(set) } };
    }
  }
  return found;
}

/** Returns the slots of an operand's name. Throws for an unknown name. */
function slotsNamed(name: string): readonly Slot[] {
  const slots = slotsOf(name);
  if (slots.length > 0) return slots;
  throw new RangeError(`Cannot use the operand ${JSON.stringify(name)}: expected ${OPERAND_NAMES}.`);
}

/**
 * Returns true if an override applies to an operation class in a layer. An override without `opClasses` applies to
 * every class except `optimizer`.
 */
export function matches(
  { layers, opClasses }: PrecisionOverride,
  { layer, opClass }: Pick<Scope, "layer" | "opClass">,
): boolean {
  return (layers?.includes(layer) ?? true) && (opClasses?.includes(opClass) ?? opClass !== "optimizer");
}

/**
 * Returns the formats of the operands and results of linear layers. A class format without a scaling applies to all of
 * them. A class format with a scaling applies to operands only, not to results.
 */
export function slotsIn({ whole, slots }: ClassFormats): SlotFormats {
  if (slots !== undefined || whole === undefined) return slots ?? {};
  const names = whole.scaling === undefined ? SLOTS : OPERANDS;
  return Object.fromEntries(names.map((slot) => [slot, whole]));
}

const parsed = new WeakMap<object, SlotFormats>();

function parsedSlots(names: Readonly<Partial<Record<Slot, string>>>): SlotFormats {
  const known = parsed.get(names);
  if (known !== undefined) return known;
  const slots = Object.fromEntries(
    Object.entries(names).map(([slot, name]) => [slot, quantizerOf(splitQuantizer(name))]),
  );
  parsed.set(names, slots);
  return slots;
}

/** Returns every format, with its scaling, that a policy and overrides use in any layer or class. */
export function everyQuantizer({ classes, linear, overrides = [] }: FormatsSource): Quantizer[] {
  return [
    ...[...Object.values(classes), ...Object.values(linear?.slots ?? {})].map(splitQuantizer),
    ...overrides,
  ].map(quantizerOf);
}
