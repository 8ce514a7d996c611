import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { corpusFromBytes, loadTextFile } from "./corpus.ts";

/** Writes a file, loads it, and removes it. */
async function load(bytes: Uint8Array) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/own text.txt`, bytes);
    return await loadTextFile(`${folder}/own text.txt`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("loadTextFile() gives a file's text, name, size and checksum", async () => {
  assertEquals(await load(utf8("abc")), {
    name: "own text.txt",
    text: "abc",
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // of "abc", from FIPS 180
    bytes: 3,
  });
});

Deno.test("loadTextFile() drops a byte order mark at the start only, and keeps CRLF and NUL", async () => {
  const { text, bytes } = await load(utf8("\ufeffone\r\ntwo\0\ufeff😀\n"));
  assertEquals(text, "one\r\ntwo\0\ufeff😀\n");
  assertEquals(bytes, 20);
});

Deno.test("loadTextFile() names the byte offset when a file is not UTF-8", async () => {
  const cases: [number[], string][] = [
    [[0x61, 0x62, 0xff, 0x63], "byte offset 2 (0xFF) cannot follow"],
    [[0x61, 0xe9, 0x62], "byte offset 2 (0x62) cannot follow"], // "é" in Latin-1, then "b"
    [[0xed, 0xa0, 0x80], "byte offset 1 (0xA0) cannot follow"], // a surrogate
    [[0xc0, 0x80], "byte offset 0 (0xC0) cannot follow"], // overlong
    [[0x61, 0xf0, 0x9f, 0x98], "ends inside a character, at byte offset 4"],
    [[...new Array(5000).fill(0x61), 0x80], "byte offset 5,000 (0x80) cannot follow"],
  ];
  for (const [bytes, message] of cases) {
    await assertRejects(() => load(Uint8Array.from(bytes)), UserError, message);
  }
});

Deno.test("loadTextFile() throws a user's error when there is no text to read", async () => {
  await assertRejects(() => load(new Uint8Array()), UserError, "has no text in it");
  await assertRejects(() => load(utf8("\ufeff")), UserError, "has no text in it");
  const folder = await Deno.makeTempDir();
  try {
    await assertRejects(() => loadTextFile(folder), UserError, "is a folder");
    await assertRejects(() => loadTextFile(`${folder}/none.txt`), UserError, "does not exist");
    await Deno.writeTextFile(`${folder}/file`, "text");
    await assertRejects(() => loadTextFile(`${folder}/file/inside`), UserError, "does not exist");
    await assertRejects(() => loadTextFile("a\0b"), UserError, '"a\\u0000b" cannot be opened');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "loadTextFile() throws a user's error when reading is not permitted",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(() => loadTextFile("some.txt"), UserError, "cannot be opened");
    assertEquals(error.exitCode, 2);
  },
});

Deno.test("corpusFromBytes() quotes a name that would steer a terminal", () => {
  assertThrows(() => corpusFromBytes(utf8(""), { name: "\x1b[2Jx" }), UserError, '"\\u001b[2Jx" has no text');
});
