import { assertEquals } from "@std/assert";
import { table } from "arquero";
import { formatCell, formatTable, nats, plainText, signed } from "./format.ts";

Deno.test("formatCell() formats numbers by column", () => {
  assertEquals(formatCell(2.34567, "valLoss"), "2.3457");
  assertEquals(formatCell(0.001234, "valGap"), "+0.00123");
  assertEquals(formatCell(0.7, "speed"), "0.70");
  assertEquals(formatCell(12), "12");
  assertEquals(formatCell(null), "–");
  assertEquals(formatCell(undefined), "–");
});

Deno.test("formatCell() formats non-finite numbers", () => {
  assertEquals([NaN, Infinity, -Infinity].map((value) => formatCell(value)), [
    "NaN",
    "Infinity",
    "-Infinity",
  ]);
  assertEquals(
    [NaN, Infinity, -Infinity].map((value) => formatCell(value, "valGap")),
    ["NaN", "+Infinity", "-Infinity"],
  );
});

Deno.test("signed() omits the sign of numbers that round to zero", () => {
  assertEquals([signed(-0.000004), signed(0.000004), signed(-0.000006)], ["0.00000", "0.00000", "-0.00001"]);
  assertEquals([signed(0), signed(-0.5, 2), signed(0.5, 2)], ["0.00000", "-0.50", "+0.50"]);
});

Deno.test("nats() shows small numbers other than 0", () => {
  assertEquals([0, 4.24e-6, 5e-6, 0.0123456].map(nats), ["0.00000", "4.2e-6", "0.00001", "0.01235"]);
});

Deno.test("plainText() removes control characters, bidirectional characters and line breaks", () => {
  assertEquals(plainText("a\x1b[31mb\r\nc\u202ed\u2028e\u0000\u200b"), "a�[31mb��c�d�e��");
  assertEquals(plainText("\ud800x"), "�x");
  assertEquals(plainText("ß日本語 🙂"), "ß日本語 🙂");
});

Deno.test("plainText() truncates long text between characters", () => {
  assertEquals(plainText("🙂".repeat(60)), "🙂".repeat(60));
  assertEquals(plainText("🙂".repeat(61)), `${"🙂".repeat(59)}…`);
});

Deno.test("formatTable() aligns numbers right and text left, and lists constant columns below the table", () => {
  const text = formatTable(table({
    tokenizer: ["bpe:512", "character", "bpe:512"],
    T: [64, 64, 64],
    valGap: [0.5, -0.25, NaN],
    firstBeyond: [null, 7, 120],
  }));
  assertEquals(text.split("\n"), [
    "tokenizer   val gap  first beyond",
    "bpe:512    +0.50000             –",
    "character  -0.25000             7",
    "bpe:512         NaN           120",
    "in every row: T 64",
  ]);
});

Deno.test("formatTable() shows every column of a single row, and the names only of an empty table", () => {
  assertEquals(formatTable(table({ T: [64], policy: ["float32"] })), " T  policy\n64  float32");
  assertEquals(formatTable(table({ T: [], policy: [] })), "T  policy");
});
