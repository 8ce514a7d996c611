import { assertEquals } from "@std/assert";
import { randomUnicode } from "./_testing.ts";
import { nextCharacter, scanUtf8, wholeCharacters } from "./_utf8.ts";
import { createRandom } from "./random.ts";

/** Returns whether a strict decoder accepts all bytes. */
function isUtf8(bytes: Uint8Array, options: { stream: boolean }): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, options);
    return true;
  } catch {
    return false;
  }
}

Deno.test("scanUtf8() finds the same first invalid byte as a strict decoder", () => {
  const random = createRandom(1, "utf8");
  for (let round = 0; round < 2000; round++) {
    const bytes = new TextEncoder().encode(randomUnicode(random, 12));
    for (let flips = random.integer(3); flips > 0; flips--) {
      bytes[random.integer(bytes.length)] = random.integer(256);
    }
    const cut = bytes.subarray(0, random.integer(bytes.length + 1));
    const { whole, wrong } = scanUtf8(cut, 0);
    let accepted = 0;
    while (accepted < cut.length && isUtf8(cut.subarray(0, accepted + 1), { stream: true })) accepted++;
    assertEquals(wrong, accepted);
    assertEquals(isUtf8(cut.subarray(0, whole), { stream: false }), true);
    assertEquals(isUtf8(cut.subarray(0, wrong), { stream: false }), wrong === whole);
  }
});

Deno.test("nextCharacter() and wholeCharacters() stop between characters at every offset", () => {
  const text = "aé日😀b";
  const bytes = new TextEncoder().encode(text);
  const borders = [0, 1, 3, 6, 10, 11];
  for (let at = 0; at <= bytes.length; at++) {
    assertEquals(nextCharacter(bytes, at), borders.find((border) => border >= at));
    assertEquals(wholeCharacters(bytes.subarray(0, at)), borders.findLast((border) => border <= at));
  }
});
