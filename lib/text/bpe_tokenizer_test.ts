import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { forEachPiece, MAX_PIECE } from "./_pieces.ts";
import { randomProse, randomUnicode } from "./_testing.ts";
import { createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { createRandom } from "./random.ts";

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  forEachPiece(text, (piece) => pieces.push(piece));
  return pieces;
}

Deno.test("forEachPiece() splits words, contractions, numbers, symbols and white space", () => {
  assertEquals(piecesOf("I'll go, 42 times!!\r\n\r\n  'Tis o'er."), [
    ..."I|'ll| go|,| 42| times|!!|\r\n\r\n | '|Tis| o|'|er|.".split("|"),
  ]);
  assertEquals(piecesOf("word\nnext  two\tx "), ["word", "\n", "next", " ", " two", "\t", "x", " "]);
  assertEquals(piecesOf("cafe\u0301 日本語 😀"), ["cafe\u0301", " 日本語", " 😀"]);
  assertEquals(piecesOf("we’re 'slow"), ["we", "’re", " '", "slow"]);
  assertEquals(piecesOf(""), []);
});

Deno.test("forEachPiece() is lossless and keeps pieces short for any text", () => {
  const random = createRandom(1, "pieces");
  for (let round = 0; round < 200; round++) {
    const text = randomUnicode(random, random.integer(100)) + " ".repeat(random.integer(200)) +
      "日".repeat(random.integer(200)) + "-".repeat(random.integer(200)) + "٣".repeat(random.integer(200));
    const pieces = piecesOf(text);
    assertEquals(pieces.join(""), text);
    for (const piece of pieces) assert(piece.length > 0 && Array.from(piece).length <= MAX_PIECE);
  }
});

Deno.test("encode() applies merges in the order they were learned, from the left", () => {
  const [a, b, c] = [0x61, 0x62, 0x63];
  const tokenizer = createBpeTokenizer([[b, c], [a, b], [a, a], [256, 256]]);
  assertEquals(tokenizer.name, "bpe:260");
  assertEquals(Array.from(tokenizer.encode("abc")), [a, 256]); // not [257, c]: bc was learned first
  assertEquals(Array.from(tokenizer.encode("aaa")), [258, a]);
  assertEquals(Array.from(tokenizer.encode("bcbcbc")), [259, 256]);
});

Deno.test("encode() equals merging pass by pass", () => {
  const random = createRandom(3, "passes");
  const tokenizer = trainBpe(randomProse(random, 3000), { vocabSize: 600 });
  const text = randomProse(random, 500) + "a".repeat(60) + randomUnicode(random, 50);
  const expected: number[] = [];
  for (const piece of piecesOf(text)) {
    const ids = Array.from(new TextEncoder().encode(piece));
    for (const [rank, [left, right]] of tokenizer.merges.entries()) {
      for (let i = 0; i + 1 < ids.length; i++) {
        if (ids[i] === left && ids[i + 1] === right) ids.splice(i, 2, 256 + rank);
      }
    }
    expected.push(...ids);
  }
  assertEquals(Array.from(tokenizer.encode(text)), expected);
  assertEquals(Array.from(tokenizer.encode(text)), expected); // again, now from the cache
  assertLess(expected.length, text.length); // merges were applied
});

Deno.test("trainBpe() and encode() give tokens with a fixed SHA-256 for a seeded text", () => {
  const text = randomProse(createRandom(4, "golden"), 5000);
  const ids = trainBpe(text, { vocabSize: 512 }).encode(text);
  assertEquals(
    createHash("sha256").update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)).digest("hex"),
    // Computed from the same text with a separate trainer and encoder in Python.
    "1d8520a4e981fb2e16be6059b64fb7442455adddf4416b51040f193a95ef2365",
  );
});

Deno.test("forEachPiece() handles millions of letters without a space", () => {
  let length = 0;
  // Without a limit on the length of pieces, the pattern engine overflows its stack here.
  forEachPiece("日".repeat(8_000_000), (piece) => length += piece.length);
  assertEquals(length, 8_000_000);
});

Deno.test("encode() reports the position of a lone surrogate", () => {
  const tokenizer = createBpeTokenizer([]);
  assertThrows(
    () => tokenizer.encode("😀ok\n\udc00"),
    RangeError,
    "Cannot encode text: expected well-formed Unicode, got a lone surrogate, U+DC00, at index 5 (line 2, column 1)",
  );
  assertThrows(() => tokenizer.encode("\ud83d"), RangeError, "U+D83D, at index 0");
});

Deno.test("decode() returns U+FFFD for bytes that are not UTF-8, and throws when an id is out of range", () => {
  const tokenizer = createBpeTokenizer([[0x61, 0x62]]);
  assertEquals(tokenizer.decode([0xff, 256, 0xc3]), "\ufffdab\ufffd");
  for (const id of [257, -1, 1.5, NaN]) {
    assertThrows(() => tokenizer.decode([0, 0, id]), RangeError, `in [0, 257), got ${id} at index 2`);
  }
});

Deno.test("createBpeTokenizer() throws when merges are inconsistent", () => {
  assertThrows(() => createBpeTokenizer([[97, 256]]), RangeError, "in [0, 256), got merges[0] = [97, 256]");
  assertThrows(() => createBpeTokenizer([[97, -1]]), RangeError, "merges[0] = [97, -1]");
  assertThrows(
    () => createBpeTokenizer([[97, 98], [97, 98]]),
    RangeError,
    "merges[1] = [97, 98], which repeats",
  );
  // 40 doublings would require a terabyte.
  const doubling = Array.from({ length: 40 }, (_, k): Merge => k === 0 ? [97, 97] : [255 + k, 255 + k]);
  assertThrows(() => createBpeTokenizer(doubling), RangeError, "merges[8] = [263, 263] of 512 bytes");
});
