import { assertEquals } from "@std/assert";
import { foldTable } from "./fold_table.ts";

const TABLE = [
  "run  policy         val loss  best val  tokens/s",
  "a    bf16-autocast    4.4166    4.4166       257",
  "b    float32          4.4170         –      5562",
];

Deno.test("foldTable() repeats the column that tells the rows apart, and drops no column", () => {
  assertEquals(foldTable(TABLE, 30), [
    "run  policy         val loss",
    "a    bf16-autocast    4.4166",
    "b    float32          4.4170",
    "",
    "run  best val  tokens/s",
    "a      4.4166       257",
    "b           –      5562",
  ]);
});

Deno.test("foldTable() repeats several leading columns if the first does not tell the rows apart", () => {
  const table = ["T   seed  gap      speed", "64     1  +0.0001   0.50", "64     2  -0.0001   0.60"];
  assertEquals(foldTable(table, 20), [
    ...["T   seed  gap", "64     1  +0.0001", "64     2  -0.0001", ""],
    ...["T   seed  speed", "64     1   0.50", "64     2   0.60"],
  ]);
});

Deno.test("foldTable() counts the columns that wide characters and combining marks take", () => {
  const table = ["run   policy   loss", "損失  float32  4.41", "e\u0301     bf16     4.42"];
  assertEquals(foldTable(table, 14), [
    ...["run   policy", "損失  float32", "e\u0301     bf16", ""],
    ...["run   loss", "損失  4.41", "e\u0301     4.42"],
  ]);
});

Deno.test("foldTable() keeps a table that fits or has colors", () => {
  assertEquals(foldTable(TABLE, 48), TABLE);
  const table = [...TABLE, "\x1b[31mx\x1b[39m  y"];
  assertEquals(foldTable(table, 30), table);
});
