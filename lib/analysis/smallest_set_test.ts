import { assert, assertEquals, assertRejects } from "@std/assert";
import { createRandom } from "../text/random.ts";
import { smallestSet, trialBound } from "./smallest_set.ts";

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Searches for a set that contains all `culprits`. Also returns the sets that the search tried. */
async function searchFor(n: number, culprits: readonly number[], most = 4) {
  const tried: (readonly number[])[] = [];
  const found = await smallestSet(numbers(n), (set) => {
    tried.push(set);
    return culprits.every((one) => set.includes(one));
  }, most);
  return { ...found, tried };
}

Deno.test("smallestSet() finds every set of one or two culprits, within the maximum number of trials", async () => {
  for (const n of [1, 2, 3, 7, 16]) {
    for (let a = 0; a < n; a++) {
      for (let b = a; b < n; b++) {
        const culprits = a === b ? [a] : [a, b];
        const { parts, trials, tried } = await searchFor(n, culprits);
        assertEquals(parts, culprits);
        assertEquals(trials, tried.length);
        assert(trials <= trialBound(n, culprits.length), `${n}, ${culprits}: ${trials}`);
      }
    }
  }
});

Deno.test("smallestSet() finds random sets of any size, within the maximum number of trials for that size", async () => {
  const random = createRandom(1, "test");
  for (let i = 0; i < 300; i++) {
    const n = 1 + random.nextUint32() % 40, k = 1 + random.nextUint32() % Math.min(n, 6);
    const culprits = [...new Set(numbers(k).map(() => random.nextUint32() % n))].sort((a, b) => a - b);
    const { parts, trials } = await searchFor(n, culprits, culprits.length);
    assertEquals(parts, culprits);
    assert(trials <= trialBound(n, culprits.length), `${n}, ${culprits}: ${trials}`);
  }
});

Deno.test("smallestSet() returns a minimal set if several sets explain the gap", async () => {
  const explains = (set: readonly number[]) => [1, 4].every((x) => set.includes(x)) || set.includes(9);
  const { parts } = await smallestSet(numbers(12), explains);
  assert(explains(parts!));
  for (const one of parts!) assert(!explains(parts!.filter((part) => part !== one)));
});

Deno.test("smallestSet() reports a missing or too large set", async () => {
  assertEquals(await smallestSet(numbers(8), () => false), {
    parts: undefined,
    reason: "not explained",
    trials: 1,
  });
  assertEquals(await smallestSet(numbers(8), () => true), { parts: [], reason: undefined, trials: 2 });
  assertEquals(await smallestSet([], () => true), { parts: [], reason: undefined, trials: 1 });
  const { parts, reason, trials } = await searchFor(32, numbers(32));
  assertEquals([parts, reason], [undefined, "too many parts"]);
  assert(trials <= trialBound(32, 4));
  assertEquals((await searchFor(6, [0, 1, 2, 3, 4])).reason, "too many parts");
});

Deno.test("smallestSet() awaits trials, and rethrows their errors", async () => {
  const late = await smallestSet(numbers(4), (set) => Promise.resolve(set.includes(2)));
  assertEquals(late.parts, [2]);
  await assertRejects(
    () => smallestSet(numbers(4), () => Promise.reject(new Error("interrupted"))),
    Error,
    "interrupted",
  );
});
