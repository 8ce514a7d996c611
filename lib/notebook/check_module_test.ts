import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { checkModuleOf, syntaxProblems } from "./check_module.ts";

const base = new URL("file:///x/notebooks/n.ipynb");
const linesOf = (...texts: string[]) =>
  checkModuleOf(texts.map((text, i) => ({ name: `cell ${i + 1}`, text })), base).text.split("\n");

Deno.test("checkModuleOf() nests cells, hoists each import once, and maps lines to cells", () => {
  const { text, lines } = checkModuleOf([
    { name: "one", text: 'import { a, type T } from "../m.ts";\nconst x = a;' },
    { name: "two", text: 'const x = "again";\nimport { a } from "../m.ts";' },
  ], base);
  assertEquals(text.split("\n"), [
    'import { a, type T } from "file:///x/m.ts";',
    "",
    ";{",
    `;${" ".repeat(35)}`,
    "const x = a;",
    ";{",
    'const x = "again";',
    `;${" ".repeat(27)}`,
    "}}",
    "export {};",
  ]);
  assertEquals(lines[5], { cell: 0, line: 2 });
  assertEquals(lines[7], { cell: 1, line: 1 });
});

Deno.test("checkModuleOf() keeps the old value of a redeclared name until its declaration", () => {
  assertEquals(linesOf("const x = 1, y = 2", "const x = { x, y: y.x, f: (x) => x + y }").slice(2), [
    ";const x__before = x; {",
    "const x = { x: x__before, y: y.x, f: (x) => x + y }",
    "}}",
    "export {};",
  ]);
  assertEquals(linesOf("var x = 1", "var x = x + 1", "var x; var x").filter((line) => /\bx/.test(line)), [
    "var x = 1",
    ";const x__before = x; {",
    "let x = x__before + 1",
    "var x; var x",
  ]);
});

Deno.test("checkModuleOf() does not hoist an import if an earlier cell uses its name for something else", () => {
  const [, , , , ...lines] = linesOf(
    'import { a } from "x";',
    '\nimport { a } from "y";',
    "const a = 1",
    'import { a } from "x"',
  );
  assertEquals(lines.filter((line) => line.includes("await")), [
    'const { a } = await import("y");',
    'const { a } = await import("x");',
  ]);
  assertThrows(
    () => linesOf('import type { a } from "x";', '\nimport type { a } from "y";'),
    UserError,
    "Cannot check cell 2, line 2: expected one type per name, got a second type named a",
  );
});

Deno.test("syntaxProblems() checks each cell on its own", () => {
  const problems = (text: string) => syntaxProblems({ name: "n, cell 1 (a)", text });
  for (
    const text of [
      "/* open",
      "const a = `open",
      "if (x) {",
      "}",
      "const é = ;",
      "f(",
      "'open",
      "{ a: 1, b: 2 };",
    ]
  ) {
    assertEquals(problems(text).length > 0, true, text);
  }
  assertEquals(problems("const a = 1;\n\nconst é = ;"), [
    "TS1109 [ERROR]: Expression expected.\n    at n, cell 1 (a), line 3:11",
  ]);
  for (
    const text of [
      "",
      "// only",
      "({ a, b: 1 })",
      "{ a: 1, b: 2 }",
      "/x/g",
      "`${a}`",
      "await f()",
      "for await (const x of y) x",
    ]
  ) {
    assertEquals(problems(text), [], text);
  }
});
