/**
 * Assertions for the tests of this package. They throw plain errors and do not use the package itself.
 */
import { AssertionError } from "./mod.ts";

/** Requires `fn` to throw an AssertionError whose message includes, or is matched by, `text`. */
export function fails(fn: () => unknown, text: string | RegExp): void {
  try {
    fn();
  } catch (error) {
    return check(error, text);
  }
  throw new Error("did not fail");
}

/** Requires a promise to reject as {@linkcode fails} requires a function to throw. */
export async function failsLater(
  promise: Promise<unknown>,
  text: string | RegExp,
): Promise<void> {
  try {
    await promise;
  } catch (error) {
    return check(error, text);
  }
  throw new Error("did not fail");
}

function check(error: unknown, text: string | RegExp): void {
  if (!(error instanceof AssertionError)) {
    throw new Error("wrong class", { cause: error });
  }
  const found = typeof text === "string" ? error.message.includes(text) : text.test(error.message);
  if (!found) throw new Error(`wrong message: ${error.message}`);
}

/** Requires two values to be identical. */
export function is(actual: unknown, wanted: unknown): void {
  if (!Object.is(actual, wanted)) {
    throw new Error(`wanted ${Deno.inspect(wanted)}: ${Deno.inspect(actual)}`);
  }
}
