/**
 * Presets of architectures in specs.
 *
 * @module
 */
import { ARCHITECTURES } from "../model/mod.ts";

/** Fields of a spec as written. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Adds the model options of the spec's `architecture`, such as `llama`. Options that the spec sets or varies take
 * precedence. If `architecture` is an axis, the options become conditional values (`when`).
 *
 * @param given A spec as written, not yet validated. Invalid fields are passed through, so that the schema reports
 * them.
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
