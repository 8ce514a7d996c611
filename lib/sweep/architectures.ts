/**
 * Presets of architectures in specs.
 *
 * @module
 */
import { ARCHITECTURES } from "../model/mod.ts";

/** Fields of a spec as written. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Adds the options of the spec's architecture, `llama` for example. Options that the spec sets itself, or varies on an
 * axis, take precedence. For an axis `architecture`, the options become conditional values (`when`).
 *
 * @param given A spec as written, of any form. Invalid fields are kept for the schema.
 */
export function withArchitectures(given: Fields): Fields {
  const zip: readonly unknown[] = Array.isArray(given["zip"]) ? given["zip"] : [];
  const axes = [given["axes"], ...zip].filter(isFields);
  const set = new Set([...Object.keys(given), ...axes.flatMap((one) => Object.keys(one))]);
  const presetOf = (name: unknown): Fields => {
    const preset = typeof name === "string" && Object.hasOwn(ARCHITECTURES, name)
      ? ARCHITECTURES[name as keyof typeof ARCHITECTURES]
      : {};
    return Object.fromEntries(Object.entries(preset).filter(([field]) => !set.has(field)));
  };
  const listed = axes.flatMap(({ architecture }) => Array.isArray(architecture) ? architecture : []);
  const conditions = [...new Set(listed)].flatMap((architecture) => {
    const preset = presetOf(architecture);
    return Object.keys(preset).length === 0 ? [] : [{ if: { architecture }, set: preset }];
  });
  const when = Array.isArray(given["when"]) ? given["when"] : [];
  return {
    ...presetOf(given["architecture"]),
    ...given,
    ...(conditions.length > 0 && { when: [...conditions, ...when] }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
