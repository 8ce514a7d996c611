/**
 * Axes of a sweep: products, values that go together, runs left out, values that depend on others. It knows nothing of
 * what the fields mean.
 *
 * @module
 */
import * as v from "valibot";
import { canonicalJson } from "../record/mod.ts";

/** A value of a field, as JSON has it. */
export type FieldValue = string | number | boolean | null | readonly FieldValue[] | {
  readonly [field: string]: FieldValue;
};

/** What a condition wants of one field: this value, one of several, or a number in a range, ends included. */
export type Wanted = FieldValue | readonly FieldValue[] | {
  /** The least that fits. */
  readonly atLeast?: number | undefined;
  /** The most that fits. */
  readonly atMost?: number | undefined;
};

/** Fields of a run and what they must be, all of them. */
export type Condition = Readonly<Record<string, Wanted>>;

/** Values of some runs that depend on their others. */
export interface When {
  /** The runs that are meant. */
  readonly if: Condition;
  /** What their fields become. */
  readonly set: Readonly<Record<string, FieldValue>>;
}

/** Field → its values. Each field's values are combined with every other's. */
export type Axes = Readonly<Record<string, readonly FieldValue[]>>;

const values = v.pipe(v.array(v.any()), v.minLength(1, "must have at least one value"));
const condition = v.pipe(
  v.record(v.string(), v.any()),
  v.check((fields) => Object.keys(fields).length > 0, "must name a field"),
  v.check(
    (fields) =>
      Object.values(fields).every((want) => !isRange(want) || Object.values(want).every(Number.isFinite)),
    "must have numbers in atLeast and atMost",
  ),
);

/** The form of axes. */
export const axesSchema: v.GenericSchema<unknown, Axes> = v.record(v.string(), values);

/** The form of axes that go together: lists of one length. */
export const zipSchema: v.GenericSchema<unknown, Axes[]> = v.array(v.pipe(
  v.record(v.string(), values),
  v.check((fields) => Object.keys(fields).length > 0, "must name a field"),
  v.check(
    (fields) => new Set(Object.values(fields).map((list) => list.length)).size <= 1,
    "must have lists of one length: its fields go together",
  ),
));

/** The form of conditions. */
export const excludeSchema: v.GenericSchema<unknown, Condition[]> = v.array(condition);

/** The form of values that depend on others. */
export const whenSchema: v.GenericSchema<unknown, When[]> = v.array(
  v.strictObject({ if: condition, set: condition }),
);

/** One dimension of a product: the records that it chooses from. */
export type Dimension = readonly Readonly<Record<string, FieldValue>>[];

/** The dimension of one field. */
export function dimension(field: string, list: readonly FieldValue[]): Dimension {
  return list.map((value) => ({ [field]: value }));
}

/** The dimension of fields that go together. */
export function zipped(axes: Axes): Dimension {
  const fields = Object.entries(axes);
  return (fields[0]?.[1] ?? []).map((_, i) =>
    Object.fromEntries(fields.map(([field, list]) => [field, list[i]!]))
  );
}

/** Every combination, the last dimension changing fastest. */
export function* product(dimensions: readonly Dimension[]): Generator<Record<string, FieldValue>> {
  const [first, ...rest] = dimensions;
  if (first === undefined) return yield {};
  for (const chosen of first) {
    for (const others of product(rest)) yield { ...chosen, ...others };
  }
}

/** Whether a record is what a condition wants. */
export function matches(record: Readonly<Record<string, unknown>>, wanted: Condition): boolean {
  return Object.entries(wanted).every(([field, want]) => {
    const value = record[field];
    if (isRange(want)) {
      return typeof value === "number" && value >= (want.atLeast ?? -Infinity) &&
        value <= (want.atMost ?? Infinity);
    }
    const equal = (one: unknown) => canonicalJson(one) === canonicalJson(value ?? null);
    return equal(want) || Array.isArray(want) && want.some(equal);
  });
}

function isRange(want: Wanted): want is { atLeast?: number; atMost?: number } {
  if (typeof want !== "object" || want === null || Array.isArray(want)) return false;
  const fields = Object.keys(want);
  return fields.length > 0 && fields.every((field) => field === "atLeast" || field === "atMost");
}
