import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { evalWindows, getBatch, IGNORE_INDEX } from "./batch.ts";
import { type BatchCursor, createBatches, type Sampling, SAMPLINGS } from "./batches.ts";
import { createPermutation } from "./permutation.ts";
import { createRandom } from "./random.ts";
import type { Tokens } from "./tokens.ts";

/**
 * Returns tokens 0, 1, 2, ...: each token is its own position. Takes the lengths of documents, or of one undivided
 * text.
 */
function count(lengths: number | number[]): Tokens {
  const length = typeof lengths === "number" ? lengths : lengths.reduce((a, b) => a + b, 0);
  const ids = Int32Array.from({ length }, (_, i) => i);
  if (typeof lengths === "number") return ids;
  let start = 0;
  const documentStarts = Float64Array.from(lengths, (one) => (start += one) - one);
  return { length, subarray: (start, end) => ids.subarray(start, end), documentStarts };
}

/** Returns the number of the document at a position. */
function documentOf({ documentStarts = new Float64Array(1) }: Tokens, place: number): number {
  return documentStarts.findLastIndex((start) => start <= place);
}

/** Shapes and texts with whole and short windows, and documents of 0, 1 and many tokens. */
const CASES: { tokens: Tokens; B: number; T: number }[] = [
  { tokens: count(101), B: 4, T: 10 },
  { tokens: count(97), B: 3, T: 10 },
  { tokens: count(9), B: 5, T: 8 },
  { tokens: count(2), B: 1, T: 1 },
  { tokens: count([30, 0, 1, 2, 25, 0, 1, 11, 0]), B: 3, T: 10 },
  { tokens: count([1, 5, 5, 5, 1]), B: 2, T: 16 },
  { tokens: count([0, 0, 40]), B: 4, T: 7 },
];

Deno.test("createBatches() returns y as x shifted by one, within documents, padded with IGNORE_INDEX", () => {
  for (const { tokens, B, T } of CASES) {
    for (const sampling of SAMPLINGS) {
      const batches = createBatches(tokens, { B, T, sampling, seed: 3 });
      for (let round = 0; round < 40; round++) {
        const batch = batches.next();
        assertEquals([batch.B, batch.T, batch.x.length, batch.y.length], [B, T, B * T, B * T]);
        for (let i = 0; i < B * T; i++) {
          const [x, y] = [batch.x[i]!, batch.y[i]!];
          if (y === IGNORE_INDEX) {
            assert(batches.padded && i % T > 0, "the first target of a row is never padding");
            assertEquals(x, 0);
            if ((i + 1) % T > 0) {
              assertEquals(batch.y[i + 1], IGNORE_INDEX, "padding extends to the end of a row");
            }
          } else {
            assertEquals(y, x + 1);
            assertEquals(documentOf(tokens, x), documentOf(tokens, y));
            if (i % T > 0) assertEquals(x, batch.x[i - 1]! + 1);
          }
        }
      }
    }
  }
});

/** Counts how often each position was the target in `windows` windows, taken in batches. */
function targetCounts(
  tokens: Tokens,
  options: { B: number; T: number; sampling: Sampling; windows: number },
) {
  const { B, T, sampling, windows } = options;
  const batches = createBatches(tokens, { B, T, sampling, seed: 11 });
  const rows: number[] = [];
  while (rows.length < windows * T) rows.push(...batches.next().y);
  const counts = new Int32Array(tokens.length);
  for (const y of rows.slice(0, windows * T)) if (y !== IGNORE_INDEX) counts[y]! += 1;
  return counts;
}

Deno.test("createBatches() has every token except a document's first as a target once per epoch, sequential or shuffled", () => {
  for (const { tokens, B, T } of CASES) {
    const { documentStarts = new Float64Array(1) } = tokens;
    for (const sampling of ["sequential", "shuffled"] as const) {
      const { windowsPerEpoch } = createBatches(tokens, { B, T, sampling, seed: 11 });
      const epochs = 3;
      const counts = targetCounts(tokens, { B, T, sampling, windows: epochs * windowsPerEpoch });
      const expected = Int32Array.from(counts, (_, place) => documentStarts.includes(place) ? 0 : epochs);
      assertEquals(counts, expected);
    }
  }
});

Deno.test("createBatches() reads the text from its start when sequential, and continues into the next epoch", () => {
  const batches = createBatches(count(13), { B: 2, T: 4, sampling: "sequential", seed: 1 });
  assertEquals(batches.padded, false);
  const starts = Array.from({ length: 3 }, () => [batches.next().x].map((x) => [x[0], x[4]])).flat();
  assertEquals(starts, [[0, 4], [8, 0], [4, 8]]);
});

Deno.test("createBatches() shuffles differently for each epoch and seed, and reproducibly", () => {
  const order = (seed: number, epochs: number) => {
    const batches = createBatches(count(1001), { B: 100, T: 10, sampling: "shuffled", seed });
    return Array.from({ length: epochs }, () => batches.next().x.filter((_, i) => i % 10 === 0).join());
  };
  const [first, second] = order(1, 2) as [string, string];
  assertEquals(order(1, 2), [first, second]);
  assertEquals(new Set([first, second, order(2, 1)[0]]).size, 3);
});

Deno.test("createBatches() draws the batches of getBatch() when random without documents", () => {
  const tokens = count(500);
  const batches = createBatches(tokens, { B: 4, T: 16, sampling: "random", seed: 42 });
  const random = createRandom(42, "batches");
  for (let i = 0; i < 5; i++) assertEquals(batches.next(), getBatch(tokens, { B: 4, T: 16, random }));
});

Deno.test("createBatches() reaches every target of every document when random", () => {
  const tokens = count([30, 0, 1, 2, 25, 0, 1, 11, 0]);
  const counts = targetCounts(tokens, { B: 8, T: 10, sampling: "random", windows: 4000 });
  for (const [place, times] of counts.entries()) {
    assertEquals(times > 0, !tokens.documentStarts!.includes(place), `target ${place}`);
  }
  // The two windows of the document of 2 tokens: 1 target of 65 in all, so 61 ± 8 of 4,000.
  assertLess(Math.abs(counts[32]! - 4000 / 65), 40);
});

Deno.test("createBatches() resumes exactly from a cursor, through JSON", () => {
  for (const { tokens, B, T } of CASES) {
    for (const sampling of SAMPLINGS) {
      const open = () => createBatches(tokens, { B, T, sampling, seed: 5 });
      const batches = open();
      for (let round = 0; round < 7; round++) {
        const again = open();
        again.restore(JSON.parse(JSON.stringify(batches.cursor())) as BatchCursor);
        const rest = Array.from({ length: 9 }, () => again.next());
        const other = open();
        for (let i = 0; i < round; i++) other.next();
        assertEquals(Array.from({ length: 9 }, () => other.next()), rest);
        batches.next();
      }
    }
  }
});

Deno.test("createBatches() refuses a cursor of another sampling method, and other values", () => {
  const open = (sampling: Sampling) => createBatches(count(100), { B: 1, T: 4, sampling, seed: 5 });
  const random = open("random").cursor(), shuffled = open("shuffled").cursor();
  assertThrows(() => open("shuffled").restore(random), TypeError, "Cannot resume shuffled batches");
  assertThrows(() => open("random").restore(shuffled), TypeError, "expected a state returned by state()");
  for (const windows of [-1, 0.5, NaN, "1", undefined, 2 ** 53]) {
    assertThrows(
      () => open("sequential").restore({ windows } as BatchCursor),
      TypeError,
      "expected a cursor",
    );
  }
});

Deno.test("createBatches() refuses shapes that do not fit the text, and documents without a target", () => {
  for (const sampling of SAMPLINGS) {
    const open = (lengths: number | number[], T: number) =>
      createBatches(count(lengths), { B: 1, T, sampling, seed: 0 });
    assertThrows(() => open(0, 1), RangeError, "got an empty corpus");
    assertThrows(() => open(8, 8), RangeError, "expected T < 8 (tokens), got 8");
    assertThrows(
      () => open([1, 1, 1, 0], 2),
      RangeError,
      "expected a document with at least 2 tokens, got 4",
    );
    assertThrows(() => open(8, 0.5), RangeError, "expected an integer >= 1 for T");
  }
});

Deno.test("evalWindows() covers each document once, and stops before maxTokens", () => {
  const tokens = count([30, 0, 1, 2, 25, 0, 1, 11, 0]);
  const targets = (maxTokens?: number) =>
    [...evalWindows(tokens, { B: 3, T: 10, ...(maxTokens !== undefined && { maxTokens }) })]
      .flatMap((batch) => [...batch.y]).filter((y) => y !== IGNORE_INDEX);
  const all = Array.from({ length: tokens.length }, (_, place) => place)
    .filter((place) => !tokens.documentStarts!.includes(place));
  assertEquals(targets(), all);
  assertEquals(targets(31), all.slice(0, 30)); // 10 + 10 + 9 + 1
  assertEquals(targets(10), all.slice(0, 10));
});

Deno.test("createPermutation() is a permutation for every n, and maps each position everywhere equally often", () => {
  for (const n of [1, 2, 3, 5, 16, 17, 255, 256, 257, 1000, 70_000]) {
    const permute = createPermutation(n, createRandom(n, "permutation"));
    const seen = new Uint8Array(n);
    for (let place = 0; place < n; place++) seen[permute(place)]! += 1;
    assert(seen.every((times) => times === 1), `n is ${n}`);
  }
  const last = 2 ** 32 - 1;
  const huge = createPermutation(2 ** 32, createRandom(1, "huge"))(last);
  assert(Number.isInteger(huge) && huge >= 0 && huge <= last);
  // 5 positions, 20,000 keys: chi-square with 4 degrees of freedom exceeds 18.5 once in a thousand.
  const random = createRandom(3, "keys");
  const counts = Array.from({ length: 5 }, () => new Float64Array(5));
  for (let key = 0; key < 20_000; key++) {
    const permute = createPermutation(5, random);
    for (let place = 0; place < 5; place++) counts[place]![permute(place)]! += 1;
  }
  for (const row of counts) {
    assertLess(row.reduce((sum, times) => sum + (times - 4000) ** 2 / 4000, 0), 18.5);
  }
});
