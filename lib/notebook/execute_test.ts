import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { executeNotebook } from "./execute.ts";
import { joined, type MultilineText, type Notebook, type Output } from "./ipynb.ts";

const notebookOf = (...sources: string[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: sources.map((source, i) => ({ cell_type: "code", id: `c${i}`, metadata: {}, source })),
});

async function run(sources: string[], timeout = 60): Promise<{ outputs: Output[][]; failure: string }> {
  const { notebook, failure } = await executeNotebook(notebookOf(...sources), {
    path: join("notebooks", "né.ipynb"),
    timeout,
  });
  return { outputs: notebook?.cells.map(({ outputs }) => outputs!) ?? [], failure: failure ?? "" };
}

/** Formats each output of a cell as one line. */
const shown = (outputs: Output[]): string[] =>
  outputs.map((output) => {
    const data = (output["data"] ?? {}) as Record<string, MultilineText>;
    return output.output_type === "stream"
      ? `${output["name"]}: ${joined(output["text"] as MultilineText)}`
      : `${output.output_type}: ${
        Object.entries(data).map(([mime, value]) => `${mime} ${joined(value)}`).join(", ")
      }`;
  });

Deno.test("executeNotebook() runs cells in one isolate, with names kept and redeclared, and top-level await", async () => {
  const { outputs, failure } = await run([
    'import { thin as t } from "../lib/figure/curve.ts";\nconst x: number = 1; let y = await Promise.resolve(5);\nclass A { p = x }\nfunction f() { return y; }\nx + y',
    "const x = 2; y = 7; class A { q = x }\n[x, f(), new A()]",
    "enum E { One = 1 }\nE.One; undefined",
    '`${typeof t}, ${(await import("../lib/" + "figure/escape.ts")).escapeHtml("<")}`',
    "",
    "console.log({ a: new Float32Array(2) }); console.error('é'); console.table([{ a: 1 }]);",
    'const { table } = await import("arquero"); table({ a: [1, 2] }).numRows()',
    "Deno.cwd().split('/').at(-1)",
  ]);
  assertEquals(failure, "");
  assertEquals(outputs.map(shown), [
    ["execute_result: text/plain 6"],
    ["execute_result: text/plain [ 2, 7, A { q: 2 } ]"],
    [],
    ['execute_result: text/plain "function, &lt;"'],
    [],
    [
      "stdout: { a: Float32Array(2) [ 0, 0 ] }\n",
      "stderr: é\n",
      "stdout: ┌───────┬───┐\n│ (idx) │ a │\n├───────┼───┤\n│     0 │ 1 │\n└───────┴───┘\n",
    ],
    ["execute_result: text/plain 2"],
    ['execute_result: text/plain "notebooks"'],
  ]);
});

Deno.test("executeNotebook() assigns late output to the cell that started it", async () => {
  const { outputs, failure } = await run([
    "setTimeout(() => console.log('timer'), 300); console.log('now');",
    "(async () => { await new Promise((r) => setTimeout(r, 50)); console.log('promise'); })(); undefined",
    "await new Promise((r) => setTimeout(r, 120)); console.log('third');",
  ]);
  assertEquals(failure, "");
  assertEquals(outputs.map(shown), [["stdout: now\ntimer\n"], ["stdout: promise\n"], ["stdout: third\n"]]);
});

Deno.test("executeNotebook() shows displays of Deno.jupyter, updates by ID, and objects with their own display", async () => {
  const png = "iVBORw0KGgo=";
  const { outputs, failure } = await run([
    "await Deno.jupyter.display({ 'text/plain': 'one' }, { raw: true, display_id: 'x' }); await Deno.jupyter.display(7);",
    "await Deno.jupyter.display({ 'text/plain': 'two' }, { raw: true, update: true, display_id: 'x' }); Deno.jupyter.html`<b>${1}</b>`",
    "({ async [Symbol.for('Jupyter.display')]() { return { 'text/html': '<i>', 'text/plain': 'i' }; } })",
    `Deno.jupyter.image(Uint8Array.fromBase64("${png}"))`,
    "await Deno.jupyter.broadcast('stream', { name: 'stderr', text: 'w' }); Deno.jupyter.md`*m*`",
  ]);
  assertEquals(failure, "");
  assertEquals(outputs.map(shown), [
    ["display_data: text/plain two", "display_data: text/plain 7"],
    ["execute_result: text/html <b>1</b>"],
    ["execute_result: text/html <i>, text/plain i"],
    [`execute_result: image/png ${png}`],
    ["stderr: w", "execute_result: text/markdown *m*"],
  ]);
});

Deno.test("executeNotebook() reports every kind of error with cell and line", async () => {
  const failing: [name: string, sources: string[], message: RegExp][] = [
    [
      "thrown",
      ["1", "type T = number;\n\nthrow new TypeError('boo');"],
      /cell 2 \(c1\): TypeError: boo\n {4}at .*cell 2 \(c1\), line 3:7/,
    ],
    ["thrown after await", ["await 1;\n(null as any).x;"], /cell 1 \(c0\): TypeError: .*null.*\n.*line 2:/],
    ["thrown inside an earlier cell's function", [
      "function f(): void {\n  throw new Error('in f');\n}",
      "f();",
    ], /cell 2 \(c1\): Error: in f\n {4}at .*cell 1 \(c0\), line 2:9\n {4}at .*cell 2 \(c1\), line 1/],
    ["no Error", ["throw { a: 1 };"], /cell 1 \(c0\): threw \{ a: 1 \}/],
    [
      "unhandled rejection",
      ["Promise.reject(new Error('lost')); undefined", "1"],
      /cell 1 \(c0\): Error: lost/,
    ],
    [
      "late rejection",
      ["setTimeout(async () => { throw new Error('late'); }, 50); undefined", "2"],
      /cell 1 \(c0\): Error: late/,
    ],
    ["timer", [
      "setTimeout(() => { throw new Error('tick'); }, 20); undefined",
      "await new Promise((r) => setTimeout(r, 100));",
    ], /cell 1 \(c0\): Error: tick/],
    [
      "formatter",
      ["({ [Symbol.for('Jupyter.display')]() { throw new Error('draw'); } })"],
      /cell 1 \(c0\): Error: draw/,
    ],
    [
      "no bundle",
      ["({ [Symbol.for('Jupyter.display')]() { return 3; } })"],
      /Cannot show the value: expected data by MIME type, got 3\./,
    ],
    [
      "unawaited display",
      ["Deno.jupyter.display(3, { raw: true }); undefined", "2"],
      /cell 1 \(c0\): TypeError: Cannot show the value/,
    ],
    [
      "unknown id",
      ["await Deno.jupyter.display(3, { update: true, display_id: 'q' });"],
      /Cannot update the display "q"/,
    ],
    ["syntax", ["while ("], /cell 1 \(c0\): SyntaxError/],
    ["missing module", ['import "./no_such.ts";'], /cell 1 \(c0\): TypeError: .*no_such/],
    ["exit", ["1", "Deno.exit(0);"], /cell 2 \(c1\): the cell ended the process/],
    ["exit later", ["Deno.exit(3);"], /né.ipynb: the process ended with status 3/],
    ["reference", ["nothingOfThisName;"], /cell 1 \(c0\): ReferenceError/],
  ];
  for (const [name, sources, message] of failing) {
    const { outputs, failure } = await run(sources);
    assertEquals(outputs, [], name);
    assertMatch(failure, message, name);
  }
});

Deno.test("executeNotebook() stops cells that do not finish", async () => {
  const busy = await run(["for (;;);"], 3);
  assertStringIncludes(busy.failure, "né.ipynb: did not finish within 3 s");
  const timer = await run(["const t = setInterval(() => {}, 100); 1"]);
  assertStringIncludes(timer.failure, "timers or promises were still pending 10 s after the last cell");
});
