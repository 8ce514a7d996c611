import { assertEquals } from "@std/assert";
import { printable, printableError, printableJson, printableLines } from "./printable.ts";

/** One of each kind: C0, C1, bidirectional, zero-width, separators, a tag, a lone surrogate. */
const KINDS =
  "\x00\x07\x1b\x7f\x9b\u061c\u200b\u200f\u202a\u202e\u2066\u2069\ufeff\u2028\u2029\u{e0041}\ud800";

Deno.test("printable() returns one line without control characters", () => {
  assertEquals(printable(KINDS), "\ufffd".repeat([...KINDS].length));
  assertEquals(printable("a\nb\tc\r\n"), "a\ufffdb\ufffdc\ufffd\ufffd");
  assertEquals(printable("Łódź, 東京, 🙂 naïve \u00a0"), "Łódź, 東京, 🙂 naïve \u00a0");
});

Deno.test("printableLines() keeps line feeds and tabs", () => {
  assertEquals(printableLines(`a\n\tb\r${KINDS}`), `a\n\tb\ufffd${"\ufffd".repeat([...KINDS].length)}`);
});

Deno.test("printableJson() returns JSON of the same value", () => {
  const value = { [KINDS]: [`${KINDS}\n`, 1] };
  const json = printableJson(JSON.stringify(value, null, 1));
  assertEquals([JSON.parse(json), printableLines(json)], [value, json]);
});

Deno.test("printableError() indents the later lines of a message, and shortens long words", () => {
  const path = `/${"a".repeat(900)}`;
  assertEquals(
    printableError(`Cannot use ${path} ${"x".repeat(5000)}.`),
    `Cannot use ${path} ${"x".repeat(200)}…`,
  );
  assertEquals(printableError("Cannot read a\nidentical\n  more"), "Cannot read a\n  identical\n  more");
});

Deno.test("guardConsole() sanitizes the output of every console method and ignores format specifiers", async () => {
  const code = `import { guardConsole } from ${JSON.stringify(import.meta.resolve("./printable.ts"))};
guardConsole();
console.log("a\\x1b[2J", 1, "\\nb%s");
console.info({ name: "\\u202e" });
for (const method of ["error", "warn"]) console[method](new Error("\\x9bm").message);`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", code],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(text(stdout), 'a\ufffd[2J 1 \nb%s\n{ name: "\ufffd" }\n');
  assertEquals(text(stderr), "\ufffdm\n\ufffdm\n");
});
