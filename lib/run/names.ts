/**
 * Short names of tokenizers and policies for the command line, specs and the library.
 *
 * @module
 */
import { policyNameOn } from "../precision/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { tokenizerName } from "../text/mod.ts";
import { eachValue } from "./spec_values.ts";

/**
 * Returns the full name of a precision policy: `float32` for `off`, and the name of the device's autocast for `on`.
 * Other words are returned unchanged.
 *
 * @throws {UserError} For `on` if `LOSSKIT_DEVICE` names a missing device.
 */
export function policyName(word: string): string {
  return policyNameOn(word, requireDevice);
}

/**
 * Replaces short names of tokenizers and policies in a sweep's spec by full names. They may occur as values, in lists,
 * in axes and in conditions.
 */
export function withFullNames(spec: object): object {
  return eachValue(spec, (value, field) => {
    if (field === "vocab" || field === "tokenizer") {
      return typeof value === "string" || typeof value === "number" ? tokenizerName(value) : value;
    }
    return field === "policy" && typeof value === "string" ? policyName(value) : value;
  });
}
