/**
 * Short names of tokenizers and policies, accepted on the command line, in specs and in the library alike.
 *
 * @module
 */
import { autocastPolicy } from "../precision/mod.ts";
import type { Device } from "../tensorflow/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { tokenizerName } from "../text/mod.ts";

/**
 * Returns a policy's full name: `off` is float32, `on` the device's autocast with bfloat16. Other words stay.
 *
 * @param device The device of the runs. Default: this machine's.
 * @throws {UserError} for `on`, if `LOSSKIT_DEVICE` names a device that this machine does not have.
 */
export function policyName(word: string, device: () => Device = requireDevice): string {
  return word === "off" ? "float32" : word === "on" ? autocastPolicy(device()) : word;
}

/** Replaces the short names in a spec, in its lists, axes and conditions. Values that are no names stay. */
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

/** A function of each value of a list, or of what is no list. */
function eachOf(value: unknown, of: (one: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(of) : of(value);
}

function inFields(record: unknown, of: (value: unknown, field: string) => unknown): unknown {
  if (typeof record !== "object" || record === null || Array.isArray(record)) return record;
  return Object.fromEntries(Object.entries(record).map(([field, value]) => [field, of(value, field)]));
}
