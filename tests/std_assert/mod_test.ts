import * as a from "./mod.ts";

/** The facade cannot vouch for itself: this uses plain throws. */
function passes(fn: () => unknown): void {
  fn();
}

function fails(fn: () => unknown, text: string): void {
  try {
    fn();
  } catch (error) {
    if (!(error instanceof a.AssertionError)) throw new Error(`wrong class: ${error}`);
    if (!error.message.includes(text)) throw new Error(`wrong message: ${error.message}`);
    return;
  }
  throw new Error("did not fail");
}

async function failsLater(fn: () => Promise<unknown>, text: string): Promise<void> {
  let caught: unknown;
  await fn().catch((error) => caught = error);
  fails(() => {
    if (caught) throw caught;
  }, text);
}

Deno.test("assert() and assertFalse() take truthy and falsy values", () => {
  passes(() => a.assert("x"));
  fails(() => a.assert(0, "zero"), "zero");
  passes(() => a.assertFalse(""));
  fails(() => a.assertFalse(1), "Expected a falsy value");
});

Deno.test("equal() compares by structure", () => {
  const cyclic = (): unknown => {
    const value: Record<string, unknown> = { n: 1 };
    value["self"] = value;
    return value;
  };
  const key = Symbol("key");
  class P {
    constructor(readonly x: number) {}
  }
  class Q {
    constructor(readonly x: number) {}
  }
  const pairs: [unknown, unknown, boolean][] = [
    [NaN, NaN, true],
    [0, -0, true],
    ["1", 1, false],
    [null, undefined, false],
    [[1, [2, { a: 3 }]], [1, [2, { a: 3 }]], true],
    [{ a: undefined }, {}, false],
    [{ a: undefined }, { b: undefined }, false],
    [
      new Map<unknown, unknown>([[{ a: 1 }, 2], [3, 4]]),
      new Map<unknown, unknown>([[3, 4], [{ a: 1 }, 2]]),
      true,
    ],
    [new Map([[1, 2]]), new Map([[1, 3]]), false],
    [new Set([1, [2]]), new Set([[2], 1]), true],
    [new Set([1]), new Set([1, 2]), false],
    [new Date(5), new Date(5), true],
    [new Date(5), new Date(6), false],
    [new Date(NaN), new Date(NaN), true],
    [/a/g, /a/g, true],
    [/a/g, /a/i, false],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
    [new Uint8Array([1]), new Int8Array([1]), false],
    [new Float32Array([NaN]), new Float32Array([NaN]), true],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer, false],
    [{ [key]: 1 }, { [key]: 1 }, true],
    [{ [key]: 1 }, { [key]: 2 }, false],
    [new P(1), new P(1), true],
    [new P(1), new Q(1), false],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }, true],
    [new URL("http://a/b"), new URL("http://a/c"), false],
    [new Error("a"), new Error("b"), false],
    [[1, , 3], [1, undefined, 3], false],
    [cyclic(), cyclic(), true],
    [() => 1, () => 1, false],
  ];
  pairs.forEach(([x, y, want], i) => {
    if (a.equal(x, y) !== want || a.equal(y, x) !== want) throw new Error(`pair ${i} is not ${want}`);
  });
});

Deno.test("assertEquals() and assertNotEquals() show what differs", () => {
  passes(() => a.assertEquals({ a: [1] }, { a: [1] }));
  fails(() => a.assertEquals({ a: [1] }, { a: [2] }), "-       1,\n+       2,");
  fails(() => a.assertEquals(1, 2, "counting"), "Values are not equal: counting");
  passes(() => a.assertNotEquals(1, 2));
  fails(() => a.assertNotEquals([1], [1]), "not to be");
});

Deno.test("assertStrictEquals() compares references and tells 0 from -0", () => {
  const o = {};
  passes(() => a.assertStrictEquals(o, o));
  passes(() => a.assertStrictEquals(NaN, NaN));
  fails(() => a.assertStrictEquals({}, {}), "not reference-equal");
  fails(() => a.assertStrictEquals(0, -0), "not strictly equal");
});

Deno.test("assertAlmostEquals() has a relative default tolerance", () => {
  passes(() => a.assertAlmostEquals(0.1 + 0.2, 0.3));
  passes(() => a.assertAlmostEquals(1e9 + 50, 1e9));
  fails(() => a.assertAlmostEquals(1e9 + 200, 1e9), "is greater than");
  fails(() => a.assertAlmostEquals(1, 2), "delta");
  passes(() => a.assertAlmostEquals(1, 2, 1));
  passes(() => a.assertAlmostEquals(Infinity, Infinity));
  fails(() => a.assertAlmostEquals(NaN, 1), "close to");
});

Deno.test("assertExists(), assertInstanceOf(), assertMatch(), assertStringIncludes()", () => {
  passes(() => a.assertExists(0));
  fails(() => a.assertExists(null), "null or undefined");
  passes(() => a.assertInstanceOf(new Date(), Date));
  fails(() => a.assertInstanceOf(new Date(), RegExp), 'instance of "RegExp" but was "Date"');
  passes(() => a.assertMatch("abc", /b/));
  fails(() => a.assertMatch("abc", /d/), "to match");
  passes(() => a.assertStringIncludes("abc", "bc"));
  fails(() => a.assertStringIncludes("abc", "d"), "to contain");
});

Deno.test("assertGreater() and its kin compare", () => {
  passes(() => a.assertGreater(2, 1));
  fails(() => a.assertGreater(1, 1), "Expect 1 > 1");
  passes(() => a.assertGreaterOrEqual(1, 1));
  fails(() => a.assertGreaterOrEqual(0, 1), "Expect 0 >= 1");
  passes(() => a.assertLess(1, 2));
  fails(() => a.assertLess(NaN, 2), "Expect NaN < 2");
  passes(() => a.assertLessOrEqual(2, 2));
  fails(() => a.assertLessOrEqual(3, 2), "Expect 3 <= 2");
});

Deno.test("assertThrows() wants an error, of a class, with a text", () => {
  const boom = () => {
    throw new RangeError("far away");
  };
  const error = a.assertThrows(boom, RangeError, "far");
  if (!(error instanceof RangeError)) throw new Error("not returned");
  passes(() => a.assertThrows(boom));
  passes(() => a.assertThrows(boom, Error));
  fails(() => a.assertThrows(boom, TypeError), 'instance of "TypeError", but was "RangeError"');
  fails(() => a.assertThrows(boom, RangeError, "near"), "to include");
  fails(() => a.assertThrows(() => 1, "why"), "Expected function to throw: why");
  passes(() =>
    a.assertThrows(() => {
      throw "text";
    })
  );
  fails(() =>
    a.assertThrows(() => {
      throw "text";
    }, Error), "non-Error");
});

Deno.test("assertRejects() wants a rejection, not a throw", async () => {
  const error = await a.assertRejects(() => Promise.reject(new TypeError("no")), TypeError, "no");
  if (!(error instanceof TypeError)) throw new Error("not returned");
  await failsLater(() => a.assertRejects(() => Promise.resolve(1)), "Expected function to reject");
  await failsLater(() => a.assertRejects(() => Promise.reject(new Error("x")), TypeError), "but was");
  await failsLater(
    () =>
      a.assertRejects(() => {
        throw new Error("now");
      }),
    "throws when expected to reject",
  );
});

Deno.test("assertIsError() and fail()", () => {
  passes(() => a.assertIsError(new RangeError("abc"), RangeError, /b/));
  fails(() => a.assertIsError("abc"), "Error object");
  fails(() => a.assertIsError(new Error("abc"), Error, "d"), "to include");
  fails(() => a.fail("so"), "Failed assertion: so");
});
