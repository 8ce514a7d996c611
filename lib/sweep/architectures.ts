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
 * precedence. If `architecture` is an axis, the options become conditional values, which precede those of `when`.
 *
 * @param given A spec as written, not yet validated. Invalid fields are passed through, so that the schema reports
 * them.
 * @returns The spec, and the number of added conditions.
 */
export function withArchitectures(given: Fields): { given: Fields; presets: number } {
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
  const { when = [] } = given, presets = Array.isArray(when) ? conditions.length : 0;
  return {
    given: {
      ...presetOf(given["architecture"]),
      ...given,
      ...(presets > 0 && { when: [...conditions, ...when as readonly unknown[]] }),
    },
    presets,
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
