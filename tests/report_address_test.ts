/**
 * The report's page keeps its state in its address.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeState, encodeState, type PageState } from "../lib/figure/report/page/address.ts";

/** Any text: empty, `!`, `,`, `&`, `%`, lone surrogates and invisible characters. */
const text = fc.oneof(
  fc.constantFrom(
    "",
    "!",
    ",",
    "&",
    "%",
    "%21",
    "~",
    "+",
    " ",
    "#",
    "\\",
    '"',
    "\x1f",
    "\u202e",
    "\ud800",
    "🙂",
    "null",
  ),
  fc.string({ unit: "binary" }),
);
const texts = fc.array(text);

/** Names of axes and controls are names of fields. */
const name = fc.constantFrom("T", "data", "tokenizer", "precision", "tags", "lr", "x", "smooth", "color");

const state: fc.Arbitrary<PageState> = fc.record({
  filters: fc.array(
    fc.tuple(name, fc.oneof(fc.record({ only: texts }), fc.record({ not: texts }))),
  ).map((entries) => new Map(entries)),
  // The values of controls are names of axes, units and numbers.
  view: fc.array(fc.tuple(name, fc.string())).map((entries) => new Map(entries)),
  sorts: fc.array(fc.tuple(text, fc.record({ column: text, descending: fc.boolean() })))
    .map((entries) => new Map(entries)),
  pinned: texts,
  hidden: texts,
  opened: fc.option(text, { nil: undefined }),
});

Deno.test("decodeState() restores every state that encodeState() writes", () => {
  fc.assert(fc.property(state, (state) => assertEquals(decodeState(encodeState(state)), state)), {
    numRuns: 1000,
  });
});

Deno.test("decodeState() ignores entries that no page wrote", () => {
  const empty = decodeState("");
  for (
    const entry of [
      "T=64",
      "T=[1]",
      "T={}",
      'T={"only":[1]}',
      "~pin=a,b",
      "~sort={}",
      "~sort=[1]",
      "~run=",
      "%",
      "&&=",
    ]
  ) {
    assertEquals(decodeState(entry), empty, entry);
  }
  fc.assert(fc.property(fc.string({ unit: "binary" }), (fragment) => void decodeState(fragment)));
});

Deno.test("encodeState() writes nothing for the first state of a page", () => {
  assertEquals(encodeState(decodeState("")), "");
});
