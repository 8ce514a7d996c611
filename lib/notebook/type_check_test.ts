import { assertEquals, assertStringIncludes } from "@std/assert";
import { typeProblems } from "./type_check.ts";

const path = "notebooks/none.ipynb";
const cellsOf = (...texts: string[]) =>
  texts.map((text, i) => ({ name: `${path}, cell ${i + 1} (c${i})`, text }));

Deno.test("typeProblems() accepts cells that redeclare names, await, and use the library's types", async () => {
  const cells = cellsOf(
    'import { type Figure, thin } from "../lib/figure/mod.ts";\nimport * as aq from "arquero";\nconst x: number = await Promise.resolve(1);\nfunction f() { return x; }\nclass A { p = 1 }\nlet maybe: string | undefined = "s";',
    'const x = "now text";\nconst figure: Figure = { title: x, data: [], layout: {} };\nclass A { q = f() + 1 }\nenum E { One }',
    'import { thin } from "../lib/figure/mod.ts";\nthin([{ x: new A().q, y: E.One }]);\naq.table({ a: [x.length] });\nfigure;',
  );
  assertEquals(await typeProblems([{ path, cells }, { path, cells: [] }]), []);
});

/** Notebooks whose cells mean the same in the check as in Deno's kernel. */
const FINE: readonly (readonly string[])[] = [
  ["const gap = 1;\n({ gap, steps: 3 })", "const gap = 2;\n(gap)"],
  ["const gap = 1;\n(gap)", "gap.toFixed()"],
  ["{ a: 1, b: 2 }", "{ let y = 3; y }", "1 // a comment", "2 /* another */", "// nothing"],
  ["const r = /[{]/g\nr", "`a ${1} {`", "const t = `\n{`\nt", "'}'"],
  ["const x = 1\r\nconst y = `a\r\nb`;\r\n({ x, y })\r\n", "y.length + x"],
  ["const data = [1, 2];", "const data = data.map((data) => String(data));", "data[0]!.length"],
  ["var v = 1;", 'var v = "text";', "v.length", "for (var i = 0; i < 2; i++) v;", "var i = i + 1;"],
  ["function f() { return 1; }", 'f().trim;\nfunction f() { return "a"; }', "f().length"],
  ["class A { a = 1 }", "class A { b = 2 }", "new A().b", "enum E { One }", "enum E { Two }", "E.Two"],
  ["let late: number | undefined;", "late = 3;", "late.toFixed()"],
  [
    "await Promise.resolve(1)",
    "for await (const one of [1]) one;",
    "const [one, { two = 2 } = {}] = [1];",
    "two + one",
  ],
  ["namespace N { export const a = 1; }", "namespace M { export const b = N.a; }\nM.b.toFixed()"],
  ["declare const d: number; 1", "declare function g(): string\n2", "(() => d + g().length)"],
  [
    "type T = number; interface I { a: T }",
    "type T = string; const i: I = { a: 1 }; const t: T = `x`; [i, t]",
  ],
  [
    'const join = (a: string) => a;\nimport type { Figure } from "../lib/figure/mod.ts"\n(join)("x")',
    'import { join } from "node:path"\njoin("a", "b")',
  ],
  [
    "if (true) 1",
    "label: for (;;) break label",
    "const o = { get a() { return 1; } }\no.a",
    "-1",
    "[1][0]",
    "!0",
  ],
];

Deno.test("typeProblems() accepts cells that Deno's kernel runs", async () => {
  const notebooks = FINE.map((texts) => ({ path, cells: cellsOf(...texts) }));
  assertEquals(await typeProblems(notebooks), []);
});

Deno.test("typeProblems() finds the same problem after any end of the previous cell", async () => {
  const ends = [
    "const a = 1",
    "({ a: 1 })",
    "f\nfunction f() {}",
    "[1, 2]",
    "`x`",
    "// c",
    "type A = 1",
    "{ a: 1 }",
    "if (1) 2",
  ];
  const notebooks = ends.map((end) => ({ path, cells: cellsOf(end, "({ b: no })") }));
  const problems = await typeProblems(notebooks);
  assertEquals(problems.length, ends.length, problems.join("\n"));
  for (const problem of problems) {
    assertStringIncludes(problem, "Cannot find name 'no'");
    assertStringIncludes(problem, "cell 2 (c1), line 1:7");
  }
});

Deno.test("typeProblems() reports notebook, cell and line of each problem, including syntax errors", async () => {
  const wrong = cellsOf("const a = 1;", "\nconst b: string = a;", "a.nothing;");
  const problems = await typeProblems([{ path, cells: wrong }]);
  assertEquals(problems.length, 2);
  assertStringIncludes(problems[0]!, "Type 'number' is not assignable to type 'string'");
  assertStringIncludes(problems[0]!, `at ${path}, cell 2 (c1), line 2:7`);
  assertStringIncludes(problems[1]!, `at ${path}, cell 3 (c2), line 1:3`);
  const broken = await typeProblems([{ path, cells: cellsOf("const a = 1;", "const é = ;") }]);
  assertStringIncludes(broken.join("\n"), `${path}, cell 2 (c1), line 1:11`);
  const missing = await typeProblems([{
    path,
    cells: cellsOf('import { x } from "./no_such_file.ts";\nx;'),
  }]);
  assertStringIncludes(missing.join("\n"), `${path}, cell 1 (c0), line 1`);
});
