/**
 * Checks of option names that a user passes.
 *
 * @module
 */
import { didYouMean } from "./did_you_mean.ts";
import { typeName } from "./type_name.ts";

/** Maximum number of names that an error lists. */
const MOST_LISTED = 16;

/**
 * Returns the names of the options of type `T`, for {@linkcode requireKnownNames}.
 *
 * @param names An object with one entry per option. The type checker requires an entry for every option of `T`.
 */
export function optionNames<T>(names: Record<keyof T, true>): readonly string[] {
  return Object.keys(names);
}

/**
 * Requires that every option has a known name. Without this check, a misspelled option would be ignored.
 *
 * @param options The given options. A caller without type checks may give any value.
 * @param known The names of all options.
 * @param action The failing action in the error `Cannot <action>`, such as `train`.
 * @throws {TypeError} If the options are not an object.
 * @throws {RangeError} For an unknown name.
 */
export function requireKnownNames(options: object, known: readonly string[], action: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot ${action}: expected an object of options, got ${typeName(options)}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const remedy = known.length <= MOST_LISTED
    ? `The options are ${known.join(", ")}.`
    : "docs/options.md lists the options.";
  throw new RangeError(
    `Cannot ${action}: expected a known option, got ${unknown}${didYouMean(unknown, known)}. ${remedy}`,
  );
}
