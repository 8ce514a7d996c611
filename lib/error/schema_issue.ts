/**
 * Descriptions of values that do not match a schema, in losskit's words instead of valibot's.
 *
 * @module
 */
import * as v from "valibot";

/** Longest description of a given value, in characters. */
const MAX_SHOWN = 100;

/** Pattern of valibot's own messages. Other messages are losskit's. */
const OWN_MESSAGE = /^Invalid [a-z ]+: (Expected|Received) /;

/** Names of types in valibot's expectations. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ Object: "an object", Array: "a list", string: "text", number: "a number", boolean: "true or false" },
  ...{ undefined: "nothing", null: "null", unknown: "another value" },
};

/** Expectations of checks that valibot states without one. */
const CHECKS: Readonly<Record<string, string>> = {
  integer: "a whole number",
  safe_integer: "a whole number below 2^53",
  finite: "a finite number",
};

/**
 * Describes an issue of valibot with its field, such as `spec.T: expected a number, got "x"`. If losskit's schema
 * defines a message for the issue, returns the field and this message.
 *
 * @param issue The issue.
 * @param whole Name of the checked value. It replaces the field if the issue concerns the whole value.
 */
export function describeIssue(issue: v.BaseIssue<unknown>, whole: string): string {
  const place = v.getDotPath(issue) ?? whole;
  if (!isSchemaMessage(issue)) return `${place}: ${issue.message}`;
  if (issue.expected === "never") return `${place}: unknown field`;
  return `${place}: expected ${expectationOf(issue)}, got ${shownValue(issue.input)}`;
}

/** Returns true if an issue has valibot's default message, and not a message that losskit's schema defines. */
export function isSchemaMessage({ message }: v.BaseIssue<unknown>): boolean {
  return OWN_MESSAGE.test(message);
}

/** Describes the expected value of an issue with valibot's default message, such as `a number of at least 1`. */
export function expectationOf({ type, expected, input }: v.BaseIssue<unknown>): string {
  const check = CHECKS[type];
  if (check !== undefined) return check;
  const bound = /^([<>]=?)(.*)$/.exec(expected ?? "");
  if (bound !== null) {
    const [, relation = "", number = ""] = bound;
    const words = { ">=": "at least", "<=": "at most", ">": "above", "<": "below" }[relation];
    return type.endsWith("_length") ? `${words} ${number} items` : `a number of ${words} ${number}`;
  }
  if (type === "regex") return `text of the form ${expected}`;
  if (input === undefined && /object$/.test(type)) return "a value"; // `expected` is the name of the missing field
  const parts = (expected ?? "another value").replaceAll(/[()]/g, "").split(" | ");
  return [...new Set(parts.map((part) => TYPES[part] ?? part))].join(" or ");
}

/** Returns a value as JSON, cut to 100 characters and `…`. Returns `nothing` for undefined. */
export function shownValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value); // JSON has no NaN
  const text = String(JSON.stringify(value));
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
