import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { corpusFromBytes, corpusText, joinCorpora } from "./corpus.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("corpusFromBytes() returns a text with its name, size and checksum", () => {
  const corpus = corpusFromBytes(utf8("abc"), { name: "own text" });
  assertEquals([corpus.name, corpus.bytes, corpusText(corpus)], ["own text", 3, "abc"]);
  // of "abc", from FIPS 180
  assertEquals(corpus.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

Deno.test("corpusFromBytes() drops a byte order mark at the start only, and keeps CRLF", () => {
  const corpus = corpusFromBytes(utf8("\ufeffone\r\ntwo\ufeff😀\n"), { name: "marked" });
  assertEquals(corpusText(corpus), "one\r\ntwo\ufeff😀\n");
  assertEquals(corpus.bytes, 16);
});

Deno.test("corpusFromBytes() reports the byte offset when bytes are not UTF-8, or binary", () => {
  const long = new Array(2 ** 20 - 2).fill(0x61);
  const cases: [number[], string][] = [
    [[0x61, 0x62, 0xff, 0x63], "invalid byte at byte offset 2 (0xFF)"],
    [[0x61, 0xe9, 0x62], "invalid byte at byte offset 2 (0x62)"], // "é" in Latin-1, then "b"
    [[0xed, 0xa0, 0x80], "invalid byte at byte offset 1 (0xA0)"], // a surrogate
    [[0xc0, 0x80], "invalid byte at byte offset 0 (0xC0)"], // overlong
    [[0xf4, 0x90, 0x80, 0x80], "invalid byte at byte offset 1 (0x90)"], // beyond U+10FFFF
    [[0x61, 0xf0, 0x9f, 0x98], "ends inside a character, at byte offset 4"],
    [[...new Array(5000).fill(0x61), 0x80], "invalid byte at byte offset 5,000 (0x80)"],
    [[0x68, 0, 0, 0, 0x69, 0, 0, 0], "is in UTF-32: convert it to UTF-8"],
    [[0x68, 0, 0x69, 0], "is in UTF-16: convert it to UTF-8"],
    // The text is read a mebibyte at a time: damage after that, and in a character that begins before it.
    [[...long, 0xf0, 0x9f, 0x98, 0x41], "invalid byte at byte offset 1,048,577 (0x41)"],
    [[...long, 0xf0, 0x9f, 0x98, 0x80, 0x80], "invalid byte at byte offset 1,048,578 (0x80)"],
    [[...long, 0xf0, 0x9f, 0x98], "ends inside a character, at byte offset 1,048,577"],
  ];
  for (const [bytes, message] of cases) {
    assertThrows(() => corpusFromBytes(Uint8Array.from(bytes), { name: "it" }), UserError, message);
  }
  const whole = [...long, 0xf0, 0x9f, 0x98, 0x80, 0x21];
  assertEquals(corpusFromBytes(Uint8Array.from(whole), { name: "it" }).bytes, 2 ** 20 + 3);
});

Deno.test("corpusFromBytes() refuses an empty text, and escapes control characters in the name", () => {
  assertThrows(() => corpusFromBytes(utf8("\ufeff"), { name: "a" }), UserError, "is empty");
  assertThrows(
    () => corpusFromBytes(utf8(""), { name: "\x1b[2Jx" }),
    UserError,
    '"\\u001b[2Jx", which is empty',
  );
});

Deno.test("joinCorpora() concatenates documents, and the checksum depends on their order", () => {
  const [a, b] = ["one ", "two"].map((text) => corpusFromBytes(utf8(text), { name: text })) as [
    ReturnType<typeof corpusFromBytes>,
    ReturnType<typeof corpusFromBytes>,
  ];
  const joined = joinCorpora([a, b], { name: "both" });
  assertEquals([joined.name, joined.bytes, joined.documents.length], ["both", 7, 2]);
  assertEquals(corpusText(joined), "one two");
  assertEquals(joinCorpora([a], { name: "one" }).sha256, a.sha256);
  assertEquals(new Set([joined, joinCorpora([b, a], { name: "both" }), a, b].map((c) => c.sha256)).size, 4);
});
