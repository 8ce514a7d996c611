import * as a from "./mod.ts";
import { fails, failsLater, is } from "./_testing.ts";

abstract class Trouble extends Error {}
class Fire extends Trouble {}
class Flood extends Trouble {}

/** Returns a function that throws `value`. */
function thrower(value: unknown): () => never {
  return () => {
    throw value;
  };
}

Deno.test("AssertionError has its name and its cause", () => {
  const error = new a.AssertionError("no", { cause: 1 });
  is(error instanceof Error, true);
  is(error.name, "AssertionError");
  is(error.message, "no");
  is(error.cause, 1);
});

Deno.test("assertIsError() checks class and message", () => {
  a.assertIsError(new Fire("it burns"), Trouble, "burns");
  a.assertIsError(new Fire("it burns"), Fire, /b.rns$/);
  a.assertIsError(new Error("any"));
  a.assertIsError(
    new Error("\u001b[31mred\u001b[39m alert"),
    Error,
    "red alert",
  );
  for (const value of ["text", null, undefined, { message: "like one" }]) {
    fails(
      () => a.assertIsError(value),
      'Expected "error" to be an Error object.',
    );
  }
  fails(
    () => a.assertIsError(new Flood("x"), Fire),
    'Expected error to be instance of "Fire", but was "Flood".',
  );
  fails(
    () => a.assertIsError(new Fire('say "x"'), Fire, 'say "y"'),
    'Expected error message to include "say \\"y\\"", but got "say \\"x\\"".',
  );
  fails(
    () => a.assertIsError(new Fire("x"), Fire, /y/, "so"),
    'include /y/, but got "x": so',
  );
});

Deno.test("assertThrows() returns the thrown value, error or not", () => {
  const fire = new Fire("it burns");
  is(a.assertThrows(thrower(fire)), fire);
  is(a.assertThrows(thrower(fire), Trouble, "burns"), fire);
  for (const value of ["text", 1, null, undefined]) {
    is(a.assertThrows(thrower(value)), value);
  }
});

Deno.test("assertThrows() fails on no error, another class, another message and a non-error", () => {
  fails(() => a.assertThrows(() => 1), /^Expected function to throw\.$/);
  fails(
    () => a.assertThrows(() => 1, "so"),
    /^Expected function to throw: so$/,
  );
  fails(
    () => a.assertThrows(() => 1, Fire, "burns", "so"),
    /^Expected function to throw: so$/,
  );
  // Returning a promise that rejects is not throwing.
  fails(
    () => a.assertThrows(() => Promise.resolve()),
    "Expected function to throw.",
  );
  fails(
    () => a.assertThrows(thrower(new Flood("x")), Fire),
    'instance of "Fire", but was "Flood".',
  );
  fails(
    () => a.assertThrows(thrower(new Fire("x")), Fire, "y"),
    'to include "y", but got "x".',
  );
  fails(
    () => a.assertThrows(thrower("text"), Error),
    "A non-Error object was thrown.",
  );
  // Without a class, only a message can follow, for example if untyped code passes null.
  const untyped = a.assertThrows as (...args: unknown[]) => unknown;
  fails(() => untyped(() => 1, null, "so"), "Expected function to throw: so");
});

Deno.test("assertThrows() rethrows a failed assertion of the function", () => {
  fails(
    () => a.assertThrows(() => a.fail("inner"), TypeError),
    'instance of "TypeError", but was "AssertionError"',
  );
});

Deno.test("assertRejects() returns the reason of the rejection, error or not", async () => {
  const fire = new Fire("it burns");
  is(await a.assertRejects(() => Promise.reject(fire)), fire);
  is(await a.assertRejects(() => Promise.reject(fire), Trouble, "burns"), fire);
  is(await a.assertRejects(() => Promise.reject(null)), null);
  await a.assertRejects(() => ({ then: thrower(fire) }), Fire);
});

Deno.test("assertRejects() fails on no rejection, another class, another message and a non-error", async () => {
  await failsLater(
    a.assertRejects(() => Promise.resolve(1)),
    /^Expected function to reject\.$/,
  );
  await failsLater(
    a.assertRejects(() => Promise.resolve(1), "so"),
    /^Expected function to reject: so$/,
  );
  await failsLater(
    a.assertRejects(() => Promise.reject(new Flood("x")), Fire),
    'instance of "Fire", but was "Flood".',
  );
  await failsLater(
    a.assertRejects(() => Promise.reject(new Fire("x")), Fire, "y"),
    'to include "y", but got "x".',
  );
  await failsLater(
    a.assertRejects(() => Promise.reject("text"), Error),
    "A non-Error object was rejected.",
  );
});

Deno.test("assertRejects() fails if the function throws, or returns no promise", async () => {
  const text = "Function throws when expected to reject";
  await failsLater(a.assertRejects(thrower(new Fire("x")), Fire), `${text}.`);
  await failsLater(
    a.assertRejects(thrower(new Fire("x")), "so"),
    `${text}: so`,
  );
  const untyped = a.assertRejects as (fn: () => unknown) => Promise<unknown>;
  await failsLater(untyped(() => 1), text);
  await failsLater(untyped(() => undefined), text);
});
