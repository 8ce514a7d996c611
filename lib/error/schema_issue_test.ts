import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { describeIssue } from "./schema_issue.ts";

/** Returns the description of the first issue of a value. */
function told(schema: v.GenericSchema, value: unknown): string | undefined {
  const { issues } = v.safeParse(schema, value);
  return issues && describeIssue(issues[0], "the file");
}

Deno.test("describeIssue() names the field, the expectation and the value", () => {
  const of = (schema: v.GenericSchema, value: unknown) => told(v.object({ a: schema }), { a: value });
  const whole = v.pipe(v.number(), v.integer());
  const cases: [string | undefined, string][] = [
    [told(v.object({}), null), "the file: expected an object, got null"],
    [told(v.object({ a: v.string() }), {}), "a: expected a value, got nothing"],
    [told(v.strictObject({}), { b: 1 }), "b: unknown field"],
    [of(v.string(), 3), "a: expected text, got 3"],
    [of(v.array(v.number()), ["x"]), 'a.0: expected a number, got "x"'],
    [of(v.tuple([v.string(), v.number()]), ["x"]), "a.1: expected a number, got nothing"],
    [of(v.nullable(v.boolean()), []), "a: expected true or false, got []"],
    [of(v.picklist(["x", "y"]), {}), 'a: expected "x" or "y", got {}'],
    [of(v.union([v.string(), v.array(v.string())]), 1), "a: expected text or a list, got 1"],
    [of(whole, 0.5), "a: expected a whole number, got 0.5"],
    [of(v.pipe(v.number(), v.safeInteger()), 1e300), "a: expected a whole number below 2^53, got 1e+300"],
    [of(v.pipe(v.number(), v.finite()), Infinity), "a: expected a finite number, got Infinity"],
    [of(v.pipe(whole, v.minValue(1)), 0), "a: expected a number of at least 1, got 0"],
    [of(v.pipe(v.array(whole), v.minLength(1)), []), "a: expected at least 1 items, got []"],
    [of(v.pipe(v.string(), v.regex(/^x$/)), "y"), 'a: expected text of the form /^x$/, got "y"'],
    [of(v.literal(false, "is not supported"), true), "a: is not supported"],
    [of(v.string(), Array(200).fill(1)), `a: expected text, got [${"1,".repeat(49)}1…`],
  ];
  for (const [got, want] of cases) assertEquals(got, want);
});
