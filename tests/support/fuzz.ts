/**
 * Tests readers with damaged files.
 *
 * @module
 */
import { assert } from "@std/assert";
import { UserError } from "../../lib/error/user_error.ts";
import type { Random } from "../../lib/text/mod.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { soaking } from "./soak.ts";

/** Number of mutations of each kind of file. */
export const COUNT: number = soaking ? 10_000 : 400;

/** Seed of all mutations. */
export const seed: number = Number(Deno.env.get("LOSSKIT_FUZZ_SEED") ?? Date.now() % 1e9);

/** Messages of the JavaScript engine and of libraries for faulty code. No reader may throw them. */
const CRASH = new RegExp(
  "Cannot (read|set) propert|is not (a function|iterable|defined)|call stack|Invalid array length|out of memory|" +
    "Invalid [a-z ]+: (Expected|Received)|Unknown [A-Za-z]+ type|must be a valid object|must contain a|" +
    "\\n {4}at |internal error|not implemented|outside of the bounds",
  "i",
);

/**
 * Reads mutated files. Accepts only errors for the user.
 *
 * @param what Kind of file, for errors.
 * @param attempt Creates and reads one mutation.
 * @param allowed Further classes of errors that the reader throws by contract. Default: none.
 */
export async function fuzz(
  what: string,
  attempt: (i: number) => unknown,
  allowed: readonly (new (...given: never[]) => Error)[] = [],
): Promise<{ refused: number; taken: number }> {
  let refused = 0, taken = 0;
  for (let i = 0; i < COUNT; i++) {
    try {
      await attempt(i);
      taken++;
    } catch (error) {
      const told = error instanceof UserError && error.message.startsWith("Cannot ") ||
        allowed.some((kind) => error instanceof kind);
      if (!told || CRASH.test((error as Error).message)) {
        throw new Error(`${what}, seed ${seed}, mutation ${i}`, { cause: error });
      }
      const { message } = error as Error;
      assert(message.length > 10 && message.length < 5000, message);
      refused++;
    }
  }
  if (soaking) console.log(`FUZZ ${what}: ${refused} refused, ${taken} read`);
  return { refused, taken };
}

/** Returns a JSON text with changed bytes or a changed value. */
export function mutateText(text: string, random: Random): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (random.integer(2) === 0) return mutateBytes(bytes, random);
  return new TextEncoder().encode(JSON.stringify(mutateJson(JSON.parse(text), random)));
}
