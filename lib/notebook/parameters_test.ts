import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import type { Notebook } from "./ipynb.ts";
import { parseParameters, withParameters } from "./parameters.ts";

const cell = (id: string, source: string, tags: string[] = []) => ({
  cell_type: "code" as const,
  id,
  metadata: { tags },
  source,
});
const notebook: Notebook = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: [
    cell("a", "1;"),
    cell(
      "p",
      `/** Tokens in a sequence. @integer @minimum 1 @maximum 1024 */
const T = 64;
const lr: number = 1e-3, name = "x", full = false;
const mode: "graph" | "eager" = "graph";
const seeds = [1, 2], words: string[] = [], negative = -1;`,
      ["parameters"],
    ),
    cell("b", "T;"),
  ],
};
const set = (given: Record<string, string>) => parseParameters(given, { notebook, path: "n.ipynb" });

Deno.test("parseParameters() parses texts by the declared types", () => {
  assertEquals(
    set({
      T: "128",
      lr: "-2e-4",
      name: "é, ü",
      full: "true",
      mode: "eager",
      seeds: "3, 4",
      words: "a,b",
      negative: "2",
    }),
    {
      T: "const T: number = 128;",
      lr: "const lr: number = -0.0002;",
      name: 'const name: string = "é, ü";',
      full: "const full: boolean = true;",
      mode: 'const mode: "graph" | "eager" = "eager";',
      seeds: "const seeds: number[] = [3,4];",
      words: 'const words: string[] = ["a","b"];',
      negative: "const negative: number = 2;",
    },
  );
  assertEquals(set({ words: "" }), { words: "const words: string[] = [];" });
});

Deno.test("parseParameters() rejects invalid values and names the expected ones", () => {
  const wrong: [string, string, string][] = [
    ["T", "0", 'at least 1, got "0"'],
    ["T", "2000", "at most 1024"],
    ["T", "1.5", "a whole number"],
    ["T", "many", "a number"],
    ["T", "", "a number"],
    ["lr", "Infinity", "a number"],
    ["full", "yes", "true or false"],
    ["mode", "xla", "one of graph, eager"],
    ["seeds", "1,x", 'a number, got "x"'],
  ];
  for (const [name, text, message] of wrong) {
    assertThrows(
      () => set({ [name]: text }),
      UserError,
      `Cannot set ${name} in n.ipynb: expected ${message}`,
    );
  }
  assertThrows(
    () => set({ U: "1" }),
    UserError,
    "expected a declared parameter (T, lr, name, full, mode, seeds, words, negative), got",
  );
  const odd = { ...notebook, cells: [cell("p", "const d = new Date();", ["parameters"])] };
  assertThrows(
    () => parseParameters({ d: "1" }, { notebook: odd, path: "n" }),
    UserError,
    "expected the type number",
  );
});

Deno.test("withParameters() inserts one cell after the parameters and replaces an earlier one", () => {
  const once = withParameters(notebook, set({ T: "2" }));
  assertEquals(once.cells.map(({ id }) => id), ["a", "p", "injected-parameters", "b"]);
  const twice = withParameters(once, set({ T: "3" }));
  assertEquals(twice.cells.length, 4);
  assertEquals(twice.cells[2]!.source, "// Given for this run:\nconst T: number = 3;");
  assertEquals(withParameters(twice, {}).cells, notebook.cells);
});
