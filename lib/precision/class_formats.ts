/**
 * Formats of a class of operations in a layer, from a policy and overrides. Plain data, without tensors.
 *
 * @module
 */
import type { OpClass, PrecisionOverride } from "./override.ts";
import { type Quantizer, quantizerOf, splitQuantizer } from "./quantizer.ts";
import { OPERAND_NAMES, OPERANDS, type Slot, SLOTS, slotsOf } from "./operands.ts";
import type { LinearRecipe } from "./recipes.ts";

/** A class of operations in a layer. */
export interface Scope {
  /** Name of the layer; empty outside of a model. */
  readonly layer: string;
  /** True in the first and the last block of a model. Default: false. */
  readonly isEnd?: boolean | undefined;
  /** The class. */
  readonly opClass: OpClass;
}

/** Formats of the operands and results of linear layers. Slots without a format have the policy's type. */
export type SlotFormats = Readonly<Partial<Record<Slot, Quantizer>>>;

/** Formats of a class: one for all operations, or those of single operands of linear layers. */
export interface ClassFormats {
  /**
   * Format of the class. Unscaled, it applies to inputs and results and to the gradients of both. Scaled, it applies to
   * the operands of products, or to inputs and results of other operations.
   */
  readonly whole?: Quantizer;
  /** Formats of operands, for the class `linear` only. */
  readonly slots?: SlotFormats;
}

/**
 * Formats by operation class, with a scaling if any (`e4m7/tensor`). Classes without a format run in the type of their
 * inputs.
 */
export type PolicyClasses = Readonly<Partial<Record<OpClass, string>>>;

/** Formats of a policy. */
export interface PolicyFormats {
  /** Formats of the classes. */
  readonly classes: PolicyClasses;
  /** Formats of the operands of linear layers outside of the head, in recipes. Other operations run as in bf16-autocast. */
  readonly linear?: LinearRecipe;
}

/** A policy's formats with the overrides of a region. */
export interface FormatsSource extends PolicyFormats {
  /** Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
}

const NONE: ClassFormats = {};

/** Layers of a model that recipes leave in the policy's type. */
const OUTSIDE_BLOCKS: readonly string[] = ["embedding", "head", "loss"];

/**
 * Returns the formats that a policy and overrides set for a class in a layer. The last matching override wins; an
 * override of operands changes these operands only.
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

/** Returns true if an override applies to a class in a layer. The class `optimizer` must be named. */
export function matches(
  { layers, opClasses }: PrecisionOverride,
  { layer, opClass }: Pick<Scope, "layer" | "opClass">,
): boolean {
  return (layers?.includes(layer) ?? true) && (opClasses?.includes(opClass) ?? opClass !== "optimizer");
}

/** Returns the formats of the operands of linear layers. A scaled format of the class leaves results unset. */
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

/** Returns every quantizer that a policy and overrides use anywhere. */
export function everyQuantizer({ classes, linear, overrides = [] }: FormatsSource): Quantizer[] {
  return [
    ...[...Object.values(classes), ...Object.values(linear?.slots ?? {})].map(splitQuantizer),
    ...overrides,
  ].map(quantizerOf);
}
