/**
 * Axes of a sweep: products, zipped values, exclusions and conditional values. The functions here do not interpret the
 * fields.
 *
 * @module
 */
import * as v from "valibot";
import { canonicalJson } from "../record/mod.ts";

/** JSON value of a field. */
export type FieldValue = string | number | boolean | null | readonly FieldValue[] | {
  readonly [field: string]: FieldValue;
};

/** Requirement on one field: a value, one of several values, or an inclusive range. */
export type Wanted = FieldValue | readonly FieldValue[] | {
  /** Minimum, inclusive. */
  readonly atLeast?: number | undefined;
  /** Maximum, inclusive. */
  readonly atMost?: number | undefined;
};

/** Requirements on the fields of a run. All must hold. */
export type Condition = Readonly<Record<string, Wanted>>;

/** Values that the runs which satisfy a condition get. */
export interface When {
  /** Condition on the run's fields. */
  readonly if: Condition;
  /** Values by field. They replace the run's values. */
  readonly set: Readonly<Record<string, FieldValue>>;
}

/** Values to try, by field. The runs are the Cartesian product of all axes. */
export type Axes = Readonly<Record<string, readonly FieldValue[]>>;

const values = v.pipe(v.array(v.any()), v.minLength(1, "to have at least one value"));
const condition = v.pipe(
  v.record(v.string(), v.any()),
  v.check((fields) => Object.keys(fields).length > 0, "to name a field"),
  v.check(
    (fields) =>
      Object.values(fields).every((want) => !isRange(want) || Object.values(want).every(Number.isFinite)),
    "to have numbers in atLeast and atMost",
  ),
);

/** Schema of {@linkcode Axes}. */
export const axesSchema: v.GenericSchema<unknown, Axes> = v.pipe(
  v.custom<object>((given) => !Array.isArray(given), "to be an object"), // a record takes an empty list
  v.record(v.string(), values),
);

/** Schema of zipped axes. Each group names at least one field, and its lists have equal lengths. */
export const zipSchema: v.GenericSchema<unknown, Axes[]> = v.array(v.pipe(
  v.record(v.string(), values),
  v.check((fields) => Object.keys(fields).length > 0, "to name a field"),
  v.check(
    (fields) => new Set(Object.values(fields).map((list) => list.length)).size <= 1,
    "to have lists of equal length",
  ),
));

/** Schema of a list of {@linkcode Condition} values. */
export const excludeSchema: v.GenericSchema<unknown, Condition[]> = v.array(condition);

/** Schema of a list of {@linkcode When} values. */
export const whenSchema: v.GenericSchema<unknown, When[]> = v.array(
  v.strictObject({ if: condition, set: condition }),
);

/**
 * One factor of a Cartesian product. Each entry sets one field to one of its values, or several zipped fields to their
 * values at one index.
 */
export type Dimension = readonly Readonly<Record<string, FieldValue>>[];

/** Returns the dimension that sets a field to each value of a list. */
export function dimension(field: string, list: readonly FieldValue[]): Dimension {
  return list.map((value) => ({ [field]: value }));
}

/** Returns the dimension that sets several fields together, to the values at the same index. */
export function zipped(axes: Axes): Dimension {
  const fields = Object.entries(axes);
  return (fields[0]?.[1] ?? []).map((_, i) =>
    Object.fromEntries(fields.map(([field, list]) => [field, list[i]!]))
  );
}

/**
 * Generates all combinations of the dimensions' entries, merged into one record each. The last dimension changes
 * fastest.
 */
export function* product(dimensions: readonly Dimension[]): Generator<Record<string, FieldValue>> {
  const [first, ...rest] = dimensions;
  if (first === undefined) return yield {};
  for (const chosen of first) {
    for (const others of product(rest)) yield { ...chosen, ...others };
  }
}

/** Returns true if a record meets all requirements of a condition. */
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

/** Returns true for an inclusive range. */
export function isRange(want: Wanted): want is { atLeast?: number; atMost?: number } {
  if (typeof want !== "object" || want === null || Array.isArray(want)) return false;
  const fields = Object.keys(want);
  return fields.length > 0 && fields.every((field) => field === "atLeast" || field === "atMost");
}
