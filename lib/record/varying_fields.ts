/**
 * Fields in which run specs differ.
 *
 * @module
 */
import { formatOverride, type PrecisionOverride } from "../precision/mod.ts";
import { canonicalJson } from "./canonical_json.ts";
import type { RunSpec } from "./run_spec.ts";

/** Fields that usually follow from another one: the batch at fixed tokens per step, and presets of an architecture. */
const DERIVED: Readonly<Partial<Record<keyof RunSpec, keyof RunSpec>>> = {
  B: "T",
  minLr: "lr",
  norm: "architecture",
  position: "architecture",
  activation: "architecture",
  bias: "architecture",
  tiedHead: "architecture",
};

/**
 * Returns the fields in which specs differ, in the order of a spec. Omits a field if another differing field determines
 * its value: `B` if T does, `minLr` if `lr` does, and the options of an architecture if the architecture does.
 *
 * @param except Fields to omit, for example because the caller shows them anyway. Default: none.
 */
export function varyingFields(
  specs: readonly RunSpec[],
  except: readonly (keyof RunSpec)[] = [],
): (keyof RunSpec)[] {
  const [first] = specs;
  if (first === undefined) return [];
  const valuesOf = (...fields: (keyof RunSpec)[]) =>
    new Set(specs.map((spec) => canonicalJson(fields.map((field) => spec[field] ?? null)))).size;
  // Most fields are equal in all specs, and a comparison costs far less than JSON.
  const isSame = (field: keyof RunSpec) => specs.every((spec) => Object.is(spec[field], first[field]));
  return (Object.keys(first) as (keyof RunSpec)[]).filter((field) => {
    if (except.includes(field) || isSame(field) || valuesOf(field) === 1) return false;
    const from = DERIVED[field];
    return from === undefined || valuesOf(from) === 1 || valuesOf(from, field) > valuesOf(from);
  });
}

/** Returns the value of a field as text. Overrides are written as for the flag `--override`. */
export function fieldText(spec: RunSpec, field: keyof RunSpec): string {
  const value: unknown = spec[field];
  if (field === "overrides") {
    return (value as readonly PrecisionOverride[]).map(formatOverride).join(",") || "none";
  }
  return typeof value === "string" ? value : canonicalJson(value ?? null);
}
