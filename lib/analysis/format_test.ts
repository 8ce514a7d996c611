import { assertEquals, assertMatch } from "@std/assert";
import { table } from "arquero";
import { formatCell, formatTable, nats, signed } from "./format.ts";
import { plainText } from "./plain_text.ts";

Deno.test("formatCell() formats numbers by column", () => {
  assertEquals(formatCell(2.34567, "valLoss"), "2.3457");
  assertEquals(formatCell(0.001234, "valGap"), "+0.00123");
  assertEquals(formatCell(0.7, "speed"), "0.70");
  assertEquals([formatCell(4.2e-7, "floor"), formatCell(0, "floor"), formatCell(3e-5, "p")], [
    "4.2e-7",
    "0",
    "3.0e-5",
  ]);
  assertEquals(formatCell(12), "12");
  assertEquals(formatCell(1_234_567_890, "peakBytes"), "1.23");
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

Deno.test("plainText() replaces control characters, bidirectional characters and line breaks", () => {
  const plain = (text: string) => {
    assertMatch(plainText(text), / #[0-9a-f]{6}$/);
    return plainText(text).slice(0, -8);
  };
  assertEquals(plain("a\x1b[31mb\r\nc\u202ed\u2028e\u0000\u200b"), "a�[31mb��c�d�e��");
  assertEquals(plain("\ud800x"), "�x");
  assertEquals(plainText("ß日本語 🙂"), "ß日本語 🙂");
});

Deno.test("plainText() keeps the beginning and the end of long text, and cuts between characters", () => {
  assertEquals(plainText("🙂".repeat(60)), "🙂".repeat(60));
  assertMatch(plainText("🙂".repeat(61)), /^(🙂){31}…(🙂){20} #[0-9a-f]{6}$/u);
  assertEquals([...plainText("x".repeat(1000), 30)].length, 30);
});

Deno.test("plainText() returns different texts for different texts", () => {
  const long = "softmax@h.0=float32,".repeat(3), marked = plainText(`${long}a${long}`);
  assertEquals(plainText(marked), marked);
  const texts = [
    "a",
    "\u202e",
    "\u200b",
    "\ufffd",
    "\ud800",
    "\ud801",
    `${long}a${long}`,
    `${long}b${long}`,
  ];
  assertEquals(new Set(texts.map((text) => plainText(text))).size, texts.length);
});

Deno.test("formatCell() shows all digits of a run's options, so that different values differ", () => {
  assertEquals([1e-5, 2e-5, 0.123456789].map((lr) => formatCell(lr, "lr")), [
    "0.00001",
    "0.00002",
    "0.123456789",
  ]);
});

Deno.test("formatCell() rounds metrics that have the name of an option", () => {
  assertEquals([formatCell(0.2172193543846975, "bias"), formatCell(true, "bias")], ["0.217219", "true"]);
});

Deno.test("formatTable() lists a column as constant only if its values are equal, not if they look alike", () => {
  assertEquals(formatTable(table({ valLoss: [2.00001, 2.00002] })), "val loss\n  2.0000\n  2.0000");
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
