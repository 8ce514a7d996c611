import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { scriptOf } from "./source.ts";

const base = new URL("file:///x/notebooks/n.ipynb");
const script = (text: string) => scriptOf({ name: "n.ipynb, cell 1 (a)", text }, base).code;

Deno.test("scriptOf() converts imports to declarations, relative to the notebook, and drops types", () => {
  assertEquals(
    script('import a, { b as c, type D } from "../lib/mod.ts"\nconst x: number = await c(a);\nx').trim(),
    'const { default: a, b: c } = await import("file:///x/lib/mod.ts");\nconst x = await c(a);\nx;',
  );
  assertEquals(
    script('import type { D } from "m";\nimport "./s.ts";').trim(),
    ';\nawait import("file:///x/notebooks/s.ts");',
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

Deno.test("scriptOf() parses a cell as an object if Deno's kernel does", () => {
  assertEquals(script("{ a: 1, b: 2 }").trim(), "({ a: 1, b: 2 });");
  assertEquals(script("\r\n{ a: 1,\r\n b: 2 }\n").replaceAll(/\s/g, ""), "({a:1,b:2});");
  assertEquals(
    script("{ a: 1 };").replaceAll(/\s/g, ""),
    "{a:1;};".replace(";}", "}").replace("{a:1", "{a:1;"),
  );
  assertEquals(script("{ let y = 3; y }").replaceAll(/\s/g, ""), "{lety=3;y;}");
});

Deno.test("scriptOf() reports a cell that is nested too deeply", () => {
  assertThrows(() => script("(".repeat(20_000) + ")".repeat(20_000)), UserError, "less nesting");
});

Deno.test("scriptOf() rejects exports and import assignments", () => {
  for (
    const text of [
      "\nexport const x = 1;",
      "\nexport { y } from 'z';",
      "\nexport default 3;",
      "\nimport f = require('f');",
    ]
  ) {
    assertThrows(() => script(text), UserError, "Cannot run n.ipynb, cell 1 (a): expected no export");
  }
});
