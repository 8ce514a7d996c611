import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { checkModuleOf, scriptOf } from "./source.ts";

const base = new URL("file:///x/notebooks/n.ipynb");
const script = (text: string) => scriptOf({ name: "n.ipynb, cell 1 (a)", text }, base).code;

Deno.test("scriptOf() makes declarations of imports, relative to the notebook, and drops types", () => {
  assertEquals(
    script('import a, { b as c, type D } from "../lib/mod.ts"\nconst x: number = await c(a);\nx').trim(),
    'const { default: a, b: c } = await import("file:///x/lib/mod.ts");\nconst x = await c(a);\nx;',
  );
  assertEquals(
    script('import type { D } from "m";\nimport "./s.ts";').trim(),
    'await import("file:///x/notebooks/s.ts");',
  );
  assertEquals(script('import * as ns from "npm:x";').trim(), 'const ns = await import("npm:x");');
  assertEquals(
    script('import d, * as ns from "x";').trim(),
    'const { default: d } = await import("x");\nconst ns = await import("x");',
  );
  assertEquals(
    script('import j from "./j.json" with { type: "json" };').trim(),
    'const { default: j } = await import("file:///x/notebooks/j.json", { with: { type: "json" } });',
  );
  assertStringIncludes(
    script('const m = await import("./é.ts"), n = await import(name + ".ts");'),
    'import("file:///x/notebooks/%C3%A9.ts")',
  );
  assertStringIncludes(script("await import(name);"), ".resolve(name)");
  assertEquals(script("").trim(), "");
  assertStringIncludes(script("enum E { A = 3 }"), 'E[E["A"] = 3]');
});

Deno.test("scriptOf() refuses what a cell cannot do", () => {
  for (
    const text of [
      "\nexport const x = 1;",
      "\nexport { y } from 'z';",
      "\nexport default 3;",
      "\nimport f = require('f');",
    ]
  ) {
    assertThrows(() => script(text), UserError, "Cannot run n.ipynb, cell 1 (a): a cell must neither export");
  }
});

Deno.test("checkModuleOf() nests cells, hoists imports once, and knows where each line was", () => {
  const { text, lines } = checkModuleOf([
    { name: "one", text: 'import { a, type T } from "../m.ts";\nconst x = a;' },
    { name: "two", text: 'const x = "again";\nimport { a } from "../m.ts";' },
  ], base);
  assertEquals(text.split("\n"), [
    'import { a, type T } from "file:///x/m.ts";',
    "",
    `${" ".repeat(36)}`,
    "const x = a;",
    "{",
    'const x = "again";',
    " ".repeat(28),
    "{",
    "}}",
    "export {};",
  ]);
  assertEquals(lines[4], { cell: 0, line: 2 });
  assertEquals(lines[6], { cell: 1, line: 1 });
});

Deno.test("checkModuleOf() refuses two things under one imported name", () => {
  assertThrows(
    () =>
      checkModuleOf([{ name: "one", text: 'import { a } from "x";' }, {
        name: "two",
        text: '\nimport { a } from "y";',
      }], base),
    UserError,
    "Cannot check two, line 2: a name must be imported from one place: a was",
  );
});
