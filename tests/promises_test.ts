/**
 * `docs/promises.md`: every promise names a test that exists.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;

Deno.test("every promise of docs/promises.md names a test that exists", () => {
  const rows = Deno.readTextFileSync(join(ROOT, "docs", "promises.md")).split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s|:-]*$|^\| Promise\s/.test(line));
  assert(rows.length > 30);
  for (const row of rows) {
    const [, promise = "", test = ""] = row.split("|").map((cell) => cell.trim());
    const [, file, name] = /^`([\w./]+_test\.ts)`: (.+)$/.exec(test) ?? [];
    assert(promise !== "" && file !== undefined && name !== undefined, row);
    const source = Deno.readTextFileSync(join(ROOT, file));
    const tests = [...source.matchAll(/(?:Deno\.test\(|\bname:)\s*(["`])((?:(?!\1)[^\n])*)\1/g)].map((
      [, , name],
    ) => name!);
    assertEquals(
      tests.some((one) => one.includes(name)),
      true,
      `${file} has no test ${JSON.stringify(name)}`,
    );
  }
});
