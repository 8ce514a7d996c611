/**
 * Names of options that callers may pass.
 *
 * @module
 */
import { didYouMean } from "../error/did_you_mean.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";

/**
 * Requires that an options object has known names only. Fields of a run's spec are known everywhere, so that a call can
 * take a whole spec.
 *
 * @param options The given options.
 * @param more Known names besides those of a run's spec.
 * @param action Action for the error, such as `train`.
 * @throws {RangeError} For an unknown name.
 */
export function requireKnownNames(options: object, more: readonly string[], action: string): void {
  const known = [...Object.keys(RUN_FIELDS), ...more];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new RangeError(
    `Cannot ${action}: expected a known option, got ${unknown}${didYouMean(unknown, known)}. ` +
      "docs/options.md lists the options.",
  );
}
