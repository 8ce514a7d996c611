import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { findFiles } from "../../tests/support/test_files.ts";
import { parseJson, readJsonFile } from "./json.ts";
import { decodeText } from "./text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Encodes text in UTF-16 with or without a byte order mark, in either byte order. */
function utf16(text: string, { mark, little }: { mark: boolean; little: boolean }): Uint8Array {
  const units = Array.from(mark ? `\ufeff${text}` : text, (char) => char.charCodeAt(0));
  return Uint8Array.from(units.flatMap((unit) => little ? [unit & 255, unit >> 8] : [unit >> 8, unit & 255]));
}

Deno.test("parseJson() returns the value of JSON.parse, and drops a byte order mark", () => {
  for (const text of ['{"a":[1,{"a":"a\\":{"}],"b" : {"a":{}}}', "[]", '"text"', " 3\n", '["a","a"]']) {
    for (const given of [text, `\ufeff${text}`, bytes(text), bytes(`\ufeff${text}`)]) {
      assertEquals(parseJson(given), JSON.parse(text));
    }
  }
});

Deno.test("parseJson() refuses a duplicate key of an object, and reports its line", () => {
  const cases: [string, string][] = [
    ['{"a":1,\n"a":2}', 'line 2: the key "a" occurs twice'],
    ['{"a":1,"\\u0061" \n:2}', 'line 1: the key "a" occurs twice'],
    ['[{"b":\n{"c":1,\r\n"d":2,"c":3}}]', 'line 3: the key "c" occurs twice'],
  ];
  for (const [text, wanted] of cases) assertThrows(() => parseJson(text), SyntaxError, wanted);
});

Deno.test("parseJson() refuses keys that every object has, unless any key is allowed", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    const text = `{"axes":{"${key}":[1]}}`;
    assertThrows(() => parseJson(text), SyntaxError, `line 1: unknown field "${key}"`);
    assertEquals(Object.keys((parseJson(text, { anyKey: true }) as { axes: object }).axes), [key]);
  }
});

Deno.test("parseJson() refuses text that is malformed, empty or nested too deep, in one sentence", () => {
  assertThrows(() => parseJson("[".repeat(20_000) + "]".repeat(20_000)), SyntaxError, "nested more than 256");
  assertThrows(() => parseJson('{"a":'.repeat(257) + "1" + "}".repeat(257)), SyntaxError, "nested more than");
  assertEquals(JSON.stringify(parseJson("[".repeat(256) + "]".repeat(256))).length, 512);
  for (const text of ["[".repeat(20_000), '{"a":1,}', "[1,]", "{'a':1}", "{", "NaN", '{"a":1}}']) {
    assertThrows(() => parseJson(text), SyntaxError, "it is not JSON: ");
  }
  const quoted = assertThrows(() => parseJson('{\n  "tags": [\n    at 300\n  ]\n}'), SyntaxError);
  assertEquals(quoted.message.split("\n").length, 1, quoted.message);
  for (const text of ["", " \n", "\ufeff"]) assertThrows(() => parseJson(text), SyntaxError, "it is empty");
});

Deno.test("readJsonFile() refuses folders and pipes, and waits for no writer", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertThrows(() => readJsonFile(folder), SyntaxError, "it is a folder: expected a regular file");
    const pipe = join(folder, "pipe.json");
    assert(new Deno.Command("mkfifo", { args: [pipe] }).outputSync().success);
    assertThrows(() => readJsonFile(pipe), SyntaxError, "it is a device or pipe: expected a regular file");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("decodeText() drops one byte order mark, and refuses UTF-16, UTF-32 and damage", () => {
  assertEquals(decodeText(bytes("\ufeffa\ufeffb")), "a\ufeffb");
  assertEquals(decodeText(new Uint8Array(0)), "");
  for (const mark of [true, false]) {
    for (const little of [true, false]) {
      assertThrows(() => decodeText(utf16("{ }", { mark, little })), TypeError, "it is in UTF-16");
    }
  }
  const [mark, character] = [[0, 0, 0xfe, 0xff], [0, 0, 0, 0x61]];
  for (const bytes of [mark, character, mark.toReversed(), character.toReversed()]) {
    assertThrows(() => decodeText(Uint8Array.from(bytes)), TypeError, "it is in UTF-32: convert it to UTF-8");
  }
  assertThrows(() => decodeText(Uint8Array.of(0x61, 0xff)), TypeError, "it is not in UTF-8");
});

/** Files that read text in another way, each with the reason. */
const OTHER_WAYS: Readonly<Record<string, string>> = {
  "lib/study/live/_watch_token.ts": "a secret of this program, not a user's text",
  "lib/file/json.ts": "the reader itself",
  "lib/fetch/python_environment.ts": "a stamp written by losskit",
  "lib/figure/report/_page_script.ts": "runs in a browser, as its sources in page/ do",
  "lib/figure/report/plotly_source.ts": "a file of a package",
  "lib/file/cpu_info.ts": "a file of the system",
  "lib/notebook/_child.ts": "written by the parent process",
  "lib/notebook/execute.ts": "written by the child process",
  "lib/notebook/front_end.ts": "copies a value",
  "lib/notebook/help.ts": "printed by a child process",
  "lib/notebook/kernel_outputs.ts": "written by the parent process",
  "lib/record/event_line.ts": "a line of a journal: its form is checked, and its position counts bytes",
  "lib/record/sources.ts": "source code, which is hashed",
  "lib/record/step_table.ts": "metadata of a file that is rebuilt if stale",
  "lib/run/_isolated.ts": "written by the child process",
  "lib/run/_module_graph.ts": "printed by a child process",
  "lib/run/code.ts": "a diff that is printed with any content",
  "lib/run/environment.ts": "printed by a child process",
  "lib/run/explain_non_finite.ts": "output of the child process",
  "lib/run/initial_model.ts": "copies a value",
  "lib/run/machine.ts": "a file of the system",
  "lib/run/peak_memory.ts": "a file of the system",
  "lib/sweep/worker_process.ts": "a file of the system",
  "lib/tensorflow/native/_python.ts": "printed by a child process",
};

Deno.test("every text and JSON file is read through lib/file", () => {
  const files = findFiles(["lib", "data"]).filter((path) =>
    path.endsWith(".ts") && !path.endsWith("_test.ts") && !path.startsWith("lib/figure/report/page/")
  );
  const others = files.filter((path) => /Deno\.readTextFile|JSON\.parse\(/.test(Deno.readTextFileSync(path)));
  assertEquals(others.sort(), Object.keys(OTHER_WAYS).sort());
});
