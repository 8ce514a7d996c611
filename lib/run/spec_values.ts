/**
 * Values of run fields in a spec: single values, lists, axes and conditions.
 *
 * @module
 */

/**
 * Replaces each value of a run's fields in a spec: single values, elements of lists, and values in `axes`, `zip`, `when`
 * and `exclude`. Values of unexpected types are passed to `change` too.
 *
 * @param spec A spec as written.
 * @param change Returns the new value of a field.
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
