import { cpuUsage } from "node:process";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { forEachPiece } from "./_pieces.ts";
import { randomProse, randomUnicode } from "./_testing.ts";
import type { Merge } from "./bpe_tokenizer.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { createRandom } from "./random.ts";

/** Trains by the definition, without incremental updates: counts every pair of every piece again for each merge. */
function trainNaively(text: string, vocabSize: number): Merge[] {
  const pieces: number[][] = [];
  forEachPiece(text, (piece) => pieces.push(Array.from(new TextEncoder().encode(piece))));
  const merges: Merge[] = [];
  const tokens = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  while (256 + merges.length < vocabSize) {
    const counts = new Map<string, number>();
    for (const ids of pieces) {
      for (let i = 0; i + 1 < ids.length; i++) {
        const pair = `${ids[i]},${ids[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const candidates = Array.from(counts, ([pair, count]) => ({ ids: pair.split(",").map(Number), count }))
      .filter(({ count, ids: [left, right] }) =>
        count >= 2 && !tokens.includes(tokens[left!]! + tokens[right!]!)
      )
      .sort((a, b) => b.count - a.count || a.ids[0]! - b.ids[0]! || a.ids[1]! - b.ids[1]!);
    if (candidates.length === 0) break;
    const [left, right] = candidates[0]!.ids as [number, number];
    for (const ids of pieces) {
      for (let i = 0; i + 1 < ids.length; i++) {
        if (ids[i] === left && ids[i + 1] === right) ids.splice(i, 2, 256 + merges.length);
      }
    }
    merges.push([left, right]);
    tokens.push(tokens[left]! + tokens[right]!);
  }
  return merges;
}

Deno.test("trainBpe() merges the most frequent pair first, and breaks ties by smaller ids", () => {
  // Pieces "ab", " ab", " ab", " cd", " cd": ab 3; then " "+"ab" 2, " "+"c" 2, "c"+"d" 2.
  const [space, a, b, c, d] = [0x20, 0x61, 0x62, 0x63, 0x64];
  const tokenizer = trainBpe("ab ab ab cd cd", { vocabSize: 260 });
  // After " c" is merged, its "c" is gone, so "d" merges with " c".
  assertEquals(tokenizer.merges, [[a, b], [space, c], [space, 256], [257, d]]);
});

Deno.test("trainBpe() learns the same merges as recounting every pair", () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = createRandom(seed, "prose");
    const text = randomProse(random, 400) + "a".repeat(50) + " " + "ab".repeat(20) +
      randomUnicode(random, 100);
    const expected = trainNaively(text, 1000);
    assert(expected.length > 100);
    assertEquals(trainBpe(text, { vocabSize: 256 + expected.length }).merges, expected);
  }
});

Deno.test("trainBpe() agrees with recounting when pairs overlap", () => {
  for (
    const text of ["aaaaaaaaaaaaaaa", "aaa aaa aaaa", "abababab ababa", "aabaabaabaab", "\n\n\n\n\n\n\n"]
  ) {
    const expected = trainNaively(text, 400);
    assertEquals(trainBpe(text, { vocabSize: 256 + expected.length }).merges, expected);
  }
});

Deno.test("trainBpe() gives a prefix of a larger vocabulary's merges when the vocabulary is smaller", () => {
  const text = randomProse(createRandom(1, "prefix"), 3000);
  const larger = trainBpe(text, { vocabSize: 600 }).merges;
  for (const vocabSize of [256, 257, 300, 512, 599]) {
    const tokenizer = trainBpe(text, { vocabSize });
    assertEquals(tokenizer.vocabSize, vocabSize);
    assertEquals(tokenizer.merges, larger.slice(0, vocabSize - 256));
  }
});

Deno.test("trainBpe() reports the number of possible merges when the text is too small", () => {
  assertThrows(
    () => trainBpe("ab ab ab cd cd", { vocabSize: 1500 }),
    RangeError,
    "expected vocabSize <= 260 for this text (256 bytes and 4 possible merges of pairs seen at least twice), " +
      "got 1,500",
  );
  assertThrows(() => trainBpe("", { vocabSize: 257 }), RangeError, "256 bytes and 0 possible merges");
  assertThrows(() => trainBpe("ab ab", { vocabSize: 1e15 }), RangeError, "256 bytes and 1 possible merges");
});

Deno.test("trainBpe() throws when the vocabulary or the text is wrong", () => {
  for (const vocabSize of [255, 0, -1, 300.5, NaN]) {
    assertThrows(
      () => trainBpe("text", { vocabSize }),
      RangeError,
      "expected an integer >= 256 for vocabSize",
    );
  }
  assertThrows(
    () => trainBpe("a\ud83d", { vocabSize: 256 }),
    RangeError,
    "a lone surrogate, U+D83D, at index 1",
  );
});

Deno.test("trainBpe() makes no token that spans two words", () => {
  const text = "to be or not to be ".repeat(50);
  const tokenizer = trainBpe(text, { vocabSize: 256 + 8 });
  for (let id = 256; id < tokenizer.vocabSize; id++) assertEquals(/\S\s/.test(tokenizer.decode([id])), false);
});

Deno.test("trainBpe() learns a vocabulary of thousands from a megabyte within seconds", () => {
  const random = createRandom(2, "large");
  const words = Array.from(
    { length: 20_000 },
    () =>
      Array.from({ length: 3 + random.integer(9) }, () => String.fromCharCode(97 + random.integer(26))).join(
        "",
      ),
  );
  const text = Array.from({ length: 120_000 }, () => words[Math.floor(20_000 * random.uniform() ** 4)]).join(
    " ",
  );
  const before = cpuUsage();
  const tokenizer = trainBpe(text, { vocabSize: 8192 });
  // Takes about 0.4 s; recounting for every merge would take many minutes. CPU time does not depend on other load.
  assert(cpuUsage(before).user < 10e6);
  assertEquals(tokenizer.decode(tokenizer.encode(text)) === text, true);
});
