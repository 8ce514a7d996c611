import { assertObjectMatch } from "./mod.ts";
import { fails } from "./_testing.ts";

const key = Symbol("key");

Deno.test("assertObjectMatch() accepts additional fields", () => {
  const inner = { yes: true, no: false };
  assertObjectMatch({ ...inner, inner }, { yes: true, inner: { no: false } });
  assertObjectMatch({ a: inner, b: inner }, {
    a: { yes: true },
    b: { no: false },
  });
  assertObjectMatch({ [key]: 1, a: 2 }, { [key]: 1 });
  assertObjectMatch({ a: null, b: undefined }, { a: null });
  assertObjectMatch({ a: [1, 2, 3] }, { a: [1, 2] });
  assertObjectMatch({ a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] });
  assertObjectMatch({
    a: new Map([["x", { b: 1, c: 2 }], ["y", { b: 3, c: 4 }]]),
  }, {
    a: new Map([["x", { b: 1 }]]),
  });
  assertObjectMatch({ a: new Set([1, 2, 3]) }, { a: new Set([3, 1]) });
  assertObjectMatch({ a: /x/g, b: new Date(5) }, { a: /x/g, b: new Date(5) });
  assertObjectMatch({ a: Uint8Array.of(1, 2), b: 1 }, {
    a: Uint8Array.of(1, 2),
  });
  assertObjectMatch({ a: 1 }, {});
});

Deno.test("assertObjectMatch() compares a shared part at every occurrence", () => {
  const part = { a: 1, more: 2 }, wanted = { a: 1 };
  assertObjectMatch({ x: part, y: part }, { x: wanted, y: wanted });
});

Deno.test("assertObjectMatch() ignores classes", () => {
  class Point {
    constructor(readonly x: number) {}
  }
  assertObjectMatch({ p: new Point(1) }, { p: { x: 1 } });
  assertObjectMatch({ p: { x: 1 } }, { p: new Point(1) });
});

Deno.test("assertObjectMatch() terminates on cycles", () => {
  const loop = (n: number): Record<string, unknown> => {
    const value: Record<string, unknown> = { n, more: n };
    value["self"] = value;
    return value;
  };
  assertObjectMatch(loop(1), { n: 1, self: { self: { n: 1 } } });
  const pattern: Record<string, unknown> = { n: 1 };
  pattern["self"] = pattern;
  assertObjectMatch(loop(1), pattern);
  fails(() => assertObjectMatch(loop(2), pattern), "Values are not equal");
  fails(
    () => assertObjectMatch(loop(1), { self: { self: { n: 2 } } }),
    "Values are not equal",
  );
});

Deno.test("assertObjectMatch() fails on missing and different fields", () => {
  const text = "Values are not equal.";
  fails(() => assertObjectMatch({ a: 1 }, { a: 1, b: 2 }), text);
  fails(() => assertObjectMatch({ a: 1 }, { a: 2 }), text);
  fails(() => assertObjectMatch({}, { a: undefined }), text);
  fails(() => assertObjectMatch({ a: undefined }, { a: null }), text);
  fails(() => assertObjectMatch({ a: null }, { a: { b: 1 } }), text);
  fails(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }), text);
  fails(() => assertObjectMatch({ [key]: 1 }, { [key]: 2 }), text);
  fails(() => assertObjectMatch({ a: [1, 2] }, { a: [1, 2, 3] }), text);
  fails(() => assertObjectMatch({ a: [{ b: 1 }] }, { a: [{ b: 2 }] }), text);
  fails(
    () => assertObjectMatch({ a: new Map([["x", 1]]) }, { a: new Map([["x", 2]]) }),
    text,
  );
  fails(
    () => assertObjectMatch({ a: new Set([1]) }, { a: new Set([2]) }),
    text,
  );
  fails(() => assertObjectMatch({ a: /x/g }, { a: /x/i }), text);
  fails(() => assertObjectMatch({ a: new Date(5) }, { a: new Date(6) }), text);
  fails(
    () => assertObjectMatch({ a: 1 }, { a: 2 }, "so"),
    "Values are not equal: so",
  );
});

Deno.test("assertObjectMatch() shows only expected fields, or all fields if none of them exists", () => {
  fails(
    () => assertObjectMatch({ a: 1, more: 2 }, { a: 2 }),
    "    {\n-     a: 1,\n+     a: 2,\n    }",
  );
  fails(
    () => assertObjectMatch({ a: 1 }, { b: 1 }),
    "    {\n-     a: 1,\n+     b: 1,\n    }",
  );
});

Deno.test("assertObjectMatch() tests an own __proto__", () => {
  const own = (value: unknown) => JSON.parse(`{ "__proto__": { "x": ${value} } }`);
  assertObjectMatch(own(1), own(1));
  fails(() => assertObjectMatch(own(1), own(2)), "Values are not equal.");
});

Deno.test("assertObjectMatch() refuses values other than objects", () => {
  const untyped = assertObjectMatch as (
    actual: unknown,
    expected: unknown,
  ) => void;
  for (
    const [value, text] of [[null, "null"], [undefined, "type undefined"], [
      21,
      "type number",
    ]]
  ) {
    let caught: unknown;
    try {
      untyped(value, { a: 1 });
    } catch (error) {
      caught = error;
    }
    if (
      !(caught instanceof TypeError) ||
      caught.message !== `Cannot assertObjectMatch ${text}`
    ) {
      throw new Error(`wrong error for ${value}`, { cause: caught });
    }
  }
});
