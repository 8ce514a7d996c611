/**
 * Traversal of the values of run fields in a sweep's spec: single values, lists, axes and conditions.
 *
 * @module
 */

/**
 * Returns a copy of a sweep's spec in which each value of a run field is replaced. Values occur singly, in lists, and
 * in `axes`, `zip`, `when` and `exclude`. The spec need not be valid.
 *
 * @param spec The spec, before validation.
 * @param change Returns the new value for a value of a field. The value can have any type.
 */
export function eachValue(spec: object, change: (value: unknown, field: string) => unknown): object {
  const inFields = (record: unknown, of: (value: unknown, field: string) => unknown): unknown => {
    if (typeof record !== "object" || record === null || Array.isArray(record)) return record;
    return Object.fromEntries(
      Object.entries(record).map(([field, value]) => [field, of(value, field)]),
    );
  };
  const inRecord = (record: unknown) =>
    inFields(record, (value, field) => inList(value, (one) => change(one, field)));
  return Object.fromEntries(
    Object.entries(spec).map(([field, value]) => {
      if (field === "axes") return [field, inRecord(value)];
      if (field === "zip" || field === "exclude") return [field, inList(value, inRecord)];
      if (field === "when") return [field, inList(value, (one) => inFields(one, inRecord))];
      return [field, inList(value, (one) => change(one, field))];
    }),
  );
}

/** Applies a function to each element of a list, or to a single value. */
function inList(value: unknown, of: (one: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(of) : of(value);
}
