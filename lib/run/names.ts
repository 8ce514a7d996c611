/**
 * Short names of tokenizers and policies for the command line, specs and the library.
 *
 * @module
 */
import { policyNameOn } from "../precision/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { tokenizerName } from "../text/mod.ts";

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
  return Object.fromEntries(
    Object.entries(spec).map(([field, value]) => {
      if (field === "axes") return [field, fullNamesOf(value)];
      if (field === "zip" || field === "exclude") return [field, eachOf(value, fullNamesOf)];
      if (field === "when") {
        return [
          field,
          eachOf(value, (one) => inFields(one, (inner) => fullNamesOf(inner))),
        ];
      }
      return [field, fullName(field, value)];
    }),
  );
}

function fullNamesOf(record: unknown): unknown {
  return inFields(record, (value, field) => fullName(field, value));
}

function fullName(field: string, value: unknown): unknown {
  const isTokenizer = field === "vocab" || field === "tokenizer";
  if (!isTokenizer && field !== "policy") return value;
  return eachOf(value, (one) => {
    if (isTokenizer) return typeof one === "string" || typeof one === "number" ? tokenizerName(one) : one;
    return typeof one === "string" ? policyName(one) : one;
  });
}

/** Applies a function to each element of a list, or to a single value. */
function eachOf(value: unknown, of: (one: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(of) : of(value);
}

function inFields(record: unknown, of: (value: unknown, field: string) => unknown): unknown {
  if (typeof record !== "object" || record === null || Array.isArray(record)) return record;
  return Object.fromEntries(Object.entries(record).map(([field, value]) => [field, of(value, field)]));
}
