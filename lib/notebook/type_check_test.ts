import { assertEquals, assertStringIncludes } from "@std/assert";
import { typeProblems } from "./type_check.ts";

const path = "notebooks/none.ipynb";
const cellsOf = (...texts: string[]) =>
  texts.map((text, i) => ({ name: `${path}, cell ${i + 1} (c${i})`, text }));

Deno.test("typeProblems() finds none in cells that redeclare names, await, and use the library's types", async () => {
  const cells = cellsOf(
    'import { type Figure, thin } from "../lib/figure/mod.ts";\nimport * as aq from "arquero";\nconst x: number = await Promise.resolve(1);\nfunction f() { return x; }\nclass A { p = 1 }\nlet maybe: string | undefined = "s";',
    'const x = "now text";\nconst figure: Figure = { title: x, data: [], layout: {} };\nclass A { q = f() + 1 }\nenum E { One }',
    'import { thin } from "../lib/figure/mod.ts";\nthin([{ x: new A().q, y: E.One }]);\naq.table({ a: [x.length] });\nfigure;',
  );
  assertEquals(await typeProblems([{ path, cells }, { path, cells: [] }]), []);
});

Deno.test("typeProblems() names notebook, cell and line of each problem, a syntax error too", async () => {
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
