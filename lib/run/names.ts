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
 * Returns the full name of a policy on this machine's device.
 *
 * @throws {UserError} For `on` if `LOSSKIT_DEVICE` names a missing device.
 */
export function policyName(word: string): string {
  return policyNameOn(word, requireDevice);
}

/** Replaces short names in a spec: in lists, axes and conditions. Other values are unchanged. */
export function withFullNames(spec: object): object {
  return eachValue(spec, (value, field) => {
    if (field === "vocab" || field === "tokenizer") {
      return typeof value === "string" || typeof value === "number" ? tokenizerName(value) : value;
    }
    return field === "policy" && typeof value === "string" ? policyName(value) : value;
  });
}
