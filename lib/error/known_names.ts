/**
 * Names of options that callers may pass.
 *
 * @module
 */
import { didYouMean } from "./did_you_mean.ts";

/** Maximum number of names that an error lists. */
const MOST_LISTED = 16;

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
