import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { formatNotebook, readNotebook } from "./ipynb.ts";

const CELL = { cell_type: "code", id: "a", metadata: {}, source: "1", outputs: [], execution_count: null };
const GOOD = { cells: [CELL], metadata: {}, nbformat: 4, nbformat_minor: 5 };

function read(content: string): ReturnType<typeof readNotebook> {
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "n.ipynb");
    Deno.writeTextFileSync(path, content);
    return readNotebook(path);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("readNotebook() drops a byte order mark, and keeps keys such as constructor", () => {
  const text = JSON.stringify({ ...GOOD, metadata: { constructor: 1, ["prototype"]: 2 } });
  const notebook = read(`\ufeff${text}`);
  assertEquals(Object.keys(notebook.metadata), ["constructor", "prototype"]);
  assertEquals(JSON.parse(formatNotebook(notebook)).metadata, { constructor: 1, prototype: 2 });
});

Deno.test("readNotebook() rejects notebooks that are incomplete, damaged or nested too deeply, and names the position", () => {
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const cases: [content: string, told: string][] = [
    [JSON.stringify(GOOD).slice(0, -10), "it is not JSON"],
    ["", "it is empty"],
    ["null", "4.5 or later"],
    ["[]", "4.5 or later"],
    [JSON.stringify({ ...GOOD, cells: null }), "cells"],
    [JSON.stringify({ ...GOOD, cells: [null] }), "cells.0"],
    [JSON.stringify({ ...GOOD, cells: [{ ...CELL, source: [1] }] }), "cells.0.source"],
    [JSON.stringify({ ...GOOD, cells: [{ ...CELL, metadata: undefined }] }), "cells.0.metadata"],
    [JSON.stringify({ ...GOOD, cells: [{ ...CELL, outputs: [{}] }] }), "cells.0.outputs.0.output_type"],
    [JSON.stringify({ ...GOOD, metadata: undefined }), "metadata"],
    [JSON.stringify({ ...GOOD, metadata: { kernelspec: "deno" } }), "metadata.kernelspec"],
    [JSON.stringify({ ...GOOD, metadata: { losskit: { reads: 5 } } }), "metadata.losskit.reads"],
    [JSON.stringify({ ...GOOD, metadata: { losskit: { sha256: "x" } } }), "metadata.losskit.sha256"],
    [JSON.stringify(GOOD).replace('"outputs":[]', `"outputs":${deep}`), "nested more than 256 levels deep"],
    [JSON.stringify(GOOD).replace('"id":"a"', '"id":"a","id":"b"'), 'the key "id" occurs twice'],
  ];
  for (const [content, told] of cases) {
    assertThrows(() => read(content), UserError, told, content.slice(0, 80));
  }
});
