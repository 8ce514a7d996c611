/**
 * Names of options that callers may pass.
 *
 * @module
 */
import { didYouMean } from "./did_you_mean.ts";

/** Maximum number of names that an error lists. */
const MOST_LISTED = 16;

/**
 * Returns the names of options, for {@linkcode requireKnownNames}.
 *
 * @param names One entry per option. The type requires an entry for every option.
 */
export function optionNames<T>(names: Record<keyof T, true>): readonly string[] {
  return Object.keys(names);
}

/**
 * Requires that an object of options has known names only. Without this check, a misspelled option has no effect.
 *
 * @param options The given options.
 * @param known Known names.
 * @param action Action for the error, such as `train`.
 * @throws {RangeError} For an unknown name.
 */
export function requireKnownNames(options: object, known: readonly string[], action: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const remedy = known.length <= MOST_LISTED
    ? `The options are ${known.join(", ")}.`
    : "docs/options.md lists the options.";
  throw new RangeError(
    `Cannot ${action}: expected a known option, got ${unknown}${didYouMean(unknown, known)}. ${remedy}`,
  );
}
