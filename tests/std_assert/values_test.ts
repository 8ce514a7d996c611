import * as a from "./mod.ts";
import { fails } from "./_testing.ts";

Deno.test("assert() requires a truthy value and assertFalse() a falsy one", () => {
  for (const value of [true, "x", 1, {}, []]) {
    a.assert(value);
    fails(() => a.assertFalse(value, "not false"), /^not false$/);
    fails(() => a.assertFalse(value), /^$/);
  }
  for (const value of [false, "", 0, -0, 0n, NaN, null, undefined]) {
    a.assertFalse(value);
    fails(() => a.assert(value, "not true"), /^not true$/);
    fails(() => a.assert(value), /^$/);
  }
});

Deno.test("assertEquals() shows differences line by line", () => {
  a.assertEquals({ a: [1] }, { a: [1] });
  a.assertEquals(new Date(NaN), new Date(NaN));
  fails(
    () => a.assertEquals(1, 2),
    "Values are not equal.\n\n\n    [Diff] Actual / Expected\n\n\n-   1\n+   2\n",
  );
  fails(() => a.assertEquals<unknown>(1, "1"), '-   1\n+   "1"\n');
  fails(
    () => a.assertEquals(1, 2, "counting"),
    "Values are not equal: counting\n",
  );
  fails(
    () => a.assertEquals<unknown[]>([1, "2", 3], ["1", "2", 3]),
    '    [\n-     1,\n+     "1",\n      "2",\n      3,\n    ]\n',
  );
  fails(
    () => a.assertEquals({ b: 1, a: 0 }, { a: 0, b: 2 }),
    "    {\n      a: 0,\n-     b: 1,\n+     b: 2,\n    }",
  );
});

Deno.test("assertEquals() shows texts by line, with invisible characters escaped", () => {
  fails(
    () => a.assertEquals("a\nb\tc\nd", "a\nb c\nd"),
    "    a\\n\n-   b\\tc\\n\n+   b c\\n\n    d\n",
  );
});

Deno.test("assertEquals() shows long values in time", () => {
  const long = Array.from({ length: 5000 }, (_, i) => i);
  fails(
    () => a.assertEquals(long, long.with(2500, -1)),
    "      2499,\n-     2500,\n+     -1,\n      2501,",
  );
  fails(
    () => a.assertEquals(long, long.map((i) => -i - 1)),
    "-     4999,\n-   ]\n+   [\n+     -1,",
  );
});

Deno.test("assertNotEquals() requires a difference", () => {
  a.assertNotEquals(1, 2);
  a.assertNotEquals<unknown>(1, "1");
  fails(
    () => a.assertNotEquals([1], [1]),
    "Expected actual: [\n  1,\n] not to be: [\n  1,\n].",
  );
  fails(() => a.assertNotEquals(NaN, NaN, "so"), "not to be: NaN: so");
});

Deno.test("assertStrictEquals() and assertNotStrictEquals() compare references and distinguish 0 from -0", () => {
  const o = {};
  a.assertStrictEquals(o, o);
  a.assertStrictEquals(NaN, NaN);
  a.assertNotStrictEquals(-0, 0);
  a.assertNotStrictEquals({}, {});
  fails(
    () => a.assertStrictEquals({ a: 1 }, { a: 1 }),
    "Values have the same structure but are not reference-equal.\n\n    {\n      a: 1,\n    }\n",
  );
  fails(() => a.assertStrictEquals(0, -0), "Values are not strictly equal.");
  fails(
    () => a.assertStrictEquals(1, 2, "so"),
    "Values are not strictly equal: so\n",
  );
  fails(
    () => a.assertNotStrictEquals(1, 1),
    'Expected "actual" to not be strictly equal to: 1.\n',
  );
  fails(() => a.assertNotStrictEquals(NaN, NaN, "so"), "NaN: so\n");
});

Deno.test("assertAlmostEquals() has a default relative tolerance of 1e-7", () => {
  a.assertAlmostEquals(0.1 + 0.2, 0.3);
  a.assertAlmostEquals(-0, 0);
  a.assertAlmostEquals(NaN, NaN);
  a.assertAlmostEquals(Infinity, Infinity);
  a.assertAlmostEquals(9e20, 9.0000000001e20);
  a.assertAlmostEquals(-1.000000001e-8, -1.000000002e-8);
  fails(() => a.assertAlmostEquals(1, 1.1), "is greater than");
  fails(() => a.assertAlmostEquals(1e-8, 1e-9), "is greater than");
  fails(
    () => a.assertAlmostEquals(1e-12, 0),
    'delta "1e-12" is greater than "0".',
  );
  fails(
    () => a.assertAlmostEquals(0, Infinity),
    'Expected actual: "0" to be close to "Infinity"',
  );
  fails(() => a.assertAlmostEquals(NaN, 1), "close to");
});

Deno.test("assertAlmostEquals() accepts a tolerance", () => {
  a.assertAlmostEquals(1, 2, 1);
  a.assertAlmostEquals(1e-12, 0, 1e-11);
  a.assertAlmostEquals(0.1 + 0.2, 0.3, 1e-16);
  fails(
    () => a.assertAlmostEquals(0.1 + 0.2, 0.3, 1e-17),
    `"${(0.1 + 0.2).toExponential()}" to be close to "3e-1": delta "`,
  );
  fails(
    () => a.assertAlmostEquals(-Infinity, Infinity, 1e-17, "so"),
    'close to "Infinity": delta "Infinity" is greater than "1e-17": so',
  );
});

Deno.test("assertExists() refuses only null and undefined", () => {
  for (const value of [0, "", false, NaN]) a.assertExists(value);
  fails(
    () => a.assertExists(null),
    'Expected actual: "null" to not be null or undefined.',
  );
  fails(
    () => a.assertExists(undefined, "so"),
    '"undefined" to not be null or undefined: so',
  );
});

Deno.test("assertInstanceOf() names the class of the given value", () => {
  abstract class Shape {}
  class Circle extends Shape {}
  a.assertInstanceOf(new Circle(), Shape);
  a.assertInstanceOf(new Date(), Date);
  const wanted = 'Expected object to be an instance of "Circle"';
  const cases: [unknown, string][] = [
    [new Date(), ' but was "Date".'],
    [5, ' but was "number".'],
    [null, ' but was "null".'],
    [undefined, ' but was "undefined".'],
    [Object.create(null), ' but was "Object".'],
    [() => 1, " but was not an instanced object."],
    [new (class Circle {})(), "."],
  ];
  for (const [value, but] of cases) {
    fails(() => a.assertInstanceOf(value, Circle), `${wanted}${but}`);
  }
  fails(
    () => a.assertInstanceOf(5, Circle, "so"),
    `${wanted} but was "number": so`,
  );
});

Deno.test("assertMatch(), assertNotMatch() and assertStringIncludes() search texts", () => {
  a.assertMatch("abc", /B/i);
  a.assertNotMatch("abc", /d/);
  a.assertStringIncludes("abc", "bc");
  a.assertStringIncludes("abc", "");
  fails(
    () => a.assertMatch("abc", /d/),
    'Expected actual: "abc" to match: "/d/".',
  );
  fails(
    () => a.assertNotMatch("abc", /b/, "so"),
    'Expected actual: "abc" to not match: "/b/": so',
  );
  fails(
    () => a.assertStringIncludes("abc", "d"),
    'Expected actual: "abc" to contain: "d".',
  );
});

Deno.test("assertArrayIncludes() finds equal members and names missing ones", () => {
  a.assertArrayIncludes(["a", "b", "c"], ["c", "a"]);
  a.assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }]);
  a.assertArrayIncludes(Uint8Array.of(1, 2, 3), Uint8Array.of(3));
  a.assertArrayIncludes([NaN], [NaN, NaN]);
  a.assertArrayIncludes([], []);
  fails(
    () => a.assertArrayIncludes(["a"], ["b", "a"]),
    'Expected actual: "[\n  "a",\n]" to include: "[\n  "b",\n  "a",\n]".\nmissing: [\n  "b",\n]',
  );
  fails(
    () => a.assertArrayIncludes([{ a: 1 }], [{ a: 2 }], "so"),
    ": so\nmissing: [\n  {\n    a: 2,",
  );
});

Deno.test("assertGreater() and its variants compare numbers, texts and big integers", () => {
  a.assertGreater(2, 1);
  a.assertGreater(2n, 1n);
  a.assertGreaterOrEqual(1, 1);
  a.assertLess("a", "b");
  a.assertLessOrEqual(2, 2);
  fails(() => a.assertGreater(1, 1), /^Expect 1 > 1$/);
  fails(() => a.assertGreaterOrEqual(0, 1), /^Expect 0 >= 1$/);
  fails(() => a.assertLess(1, 1), /^Expect 1 < 1$/);
  fails(() => a.assertLessOrEqual(3, 2), /^Expect 3 <= 2$/);
  for (
    const compare of [
      a.assertGreater,
      a.assertGreaterOrEqual,
      a.assertLess,
      a.assertLessOrEqual,
    ]
  ) {
    fails(() => compare(NaN, 2, "not a number"), /^not a number$/);
  }
});

Deno.test("fail() and unreachable() always fail", () => {
  fails(() => a.fail(), /^Failed assertion\.$/);
  fails(() => a.fail("so"), /^Failed assertion: so$/);
  fails(() => a.unreachable(), /^Unreachable\.$/);
  fails(() => a.unreachable("so"), /^Unreachable: so$/);
});
