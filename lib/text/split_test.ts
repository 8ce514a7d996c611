import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomUnicode } from "./_testing.ts";
import { type Corpus, corpusFromBytes, joinCorpora } from "./corpus.ts";
import { createRandom } from "./random.ts";
import { splitCorpus, type Stretch } from "./split.ts";

function corpusOf(...texts: string[]): Corpus {
  return joinCorpora(
    texts.map((text) => corpusFromBytes(new TextEncoder().encode(text), { name: "own" })),
    { name: "own" },
  );
}

function textOf(stretches: Stretch[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return stretches.map(({ document, start, end }) =>
    decoder.decode(document.read(start, new Uint8Array(end - start)))
  ).join(
    "",
  );
}

Deno.test("splitCorpus() uses the last tenth for validation by default, also inside and across documents", () => {
  const cases: [string[], string, string][] = [
    [["0123456789abcdefghij"], "0123456789abcdefgh", "ij"],
    [["0123456789", "abcdefghij"], "0123456789abcdefgh", "ij"],
    [["0123456789abcdefg", "h", "i", "j"], "0123456789abcdefgh", "ij"],
    [["0123456789abcdefgh", "ij"], "0123456789abcdefgh", "ij"],
  ];
  for (const [texts, train, validation] of cases) {
    const parts = splitCorpus(corpusOf(...texts));
    assertEquals([textOf(parts.train), textOf(parts.validation)], [train, validation]);
  }
  const parts = splitCorpus(corpusOf("0123456789"), { validationFraction: 0.3 });
  assertEquals([textOf(parts.train), textOf(parts.validation)], ["0123456", "789"]);
});

Deno.test("splitCorpus() never splits a character and loses nothing", () => {
  const random = createRandom(1, "split");
  for (let round = 0; round < 200; round++) {
    const texts = Array.from(
      { length: 1 + random.integer(4) },
      () => "a" + randomUnicode(random, 60 + random.integer(40)).replaceAll("\0", "0"),
    );
    const parts = splitCorpus(corpusOf(...texts), { validationFraction: 0.1 + 0.8 * random.uniform() });
    assertEquals(textOf(parts.train) + textOf(parts.validation), texts.join(""));
    assert(textOf(parts.train) !== "" && textOf(parts.validation) !== "");
  }
});

Deno.test("splitCorpus() reads only a few bytes at the split", () => {
  let read = 0;
  const document = {
    name: "large",
    bytes: 1e12,
    read: (_start: number, into: Uint8Array) => {
      read += into.length;
      return into.fill(0x61);
    },
  };
  const corpus = { name: "large", documents: [document], sha256: "", bytes: document.bytes };
  assertEquals(splitCorpus(corpus).train, [{ document, start: 0, end: 9e11 }]);
  assert(read <= 12, `${read} bytes were read`);
});

Deno.test("splitCorpus() throws when the fraction is invalid or the corpus is too short", () => {
  for (const validationFraction of [0, 1, -0.1, 1.5, NaN]) {
    assertThrows(
      () => splitCorpus(corpusOf("some text"), { validationFraction }),
      RangeError,
      `expected validationFraction > 0 and < 1, got ${validationFraction}`,
    );
  }
  assertThrows(() => splitCorpus(corpusOf("a")), RangeError, "got a corpus of 1 bytes");
  assertThrows(() => splitCorpus(corpusOf("😀")), RangeError, "at least 1 character");
});
