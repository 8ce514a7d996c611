/**
 * Order of folders (imports have one direction), and maximum length of files.
 */
import { assertArrayIncludes, assertEquals, assertGreater, assertLess } from "@std/assert";
import { findFiles } from "./support/test_files.ts";
import { type ImportGraph, layeringProblems, readImportGraph } from "./support/layering.ts";

/** Maximum length of a file in lines. Most files have fewer than 300 lines. */
const MAX_LINES = 400;

/** Generated files, of any length. */
const GENERATED = ["lib/figure/report/_page_script.ts"];

const files = findFiles(["lib", "data"]).filter((file) => file.endsWith(".ts") && !file.endsWith("_test.ts"));

function graphOf(imports: Record<string, string[]>): ImportGraph {
  return new Map(Object.entries(imports));
}

Deno.test("imports between the folders of lib have one direction and no cycle", async () => {
  const graph = await readImportGraph(files);
  // An empty graph would also have no problems.
  assertArrayIncludes([...graph.keys()], files);
  assertArrayIncludes(graph.get("lib/model/gpt.ts") ?? [], ["lib/tensorflow/mod.ts", "lib/model/config.ts"]);
  assertGreater([...graph.values()].flat().filter((path) => path.includes("@tensorflow/tfjs")).length, 0);
  assertEquals(layeringProblems(graph), []);
});

Deno.test("no file of lib or data exceeds the maximum length", () => {
  assertGreater(files.length, 0);
  for (const file of files.filter((file) => !GENERATED.includes(file))) {
    assertLess(Deno.readTextFileSync(file).split("\n").length, MAX_LINES, `${file} has too many lines`);
  }
});

Deno.test("layeringProblems() accepts imports in the right direction", () => {
  const graph = graphOf({
    "lib/mod.ts": ["lib/cli/main.ts", "lib/tensorflow/mod.ts"],
    "lib/cli/main.ts": ["lib/sweep/mod.ts", "lib/figure/mod.ts", "data/play.ts"],
    "lib/sweep/mod.ts": ["lib/run/mod.ts", "lib/record/event.ts"],
    "lib/run/mod.ts": ["lib/train/step.ts", "lib/record/event.ts", "data/play.ts"],
    "lib/train/step.ts": ["lib/model/gpt.ts", "lib/text/batch.ts", "npm:/@tensorflow/tfjs@4"],
    "lib/figure/mod.ts": ["lib/analysis/table.ts", "lib/figure/_axis.ts"],
    "lib/analysis/table.ts": ["lib/record/event.ts", "npm:arquero@8"],
    "lib/text/batch.ts": ["lib/error/user_error.ts", "node:path"],
    "data/play.ts": ["lib/fetch/cache.ts", "lib/text/corpus.ts"],
    "lib/tensorflow/mod.ts": ["npm:/@tensorflow/tfjs@4"],
    "lib/tensorflow/mod_test.ts": [],
  });
  assertEquals(layeringProblems(graph), []);
});

Deno.test("layeringProblems() names imports in the wrong direction", () => {
  const wrong: [file: string, wanted: string][] = [
    ["lib/text/batch.ts", "lib/model/gpt.ts"],
    ["lib/text/corpus.ts", "data/play.ts"],
    ["lib/model/gpt.ts", "lib/train/step.ts"],
    ["lib/tensorflow/native/trace.ts", "lib/text/random.ts"],
    ["lib/train/loop.ts", "lib/record/journal.ts"],
    ["lib/record/event.ts", "lib/sweep/plan.ts"],
    ["lib/error/user_error.ts", "lib/progress/bar.ts"],
    ["lib/progress/bar.ts", "lib/fetch/cache.ts"],
    ["lib/analysis/table.ts", "lib/figure/axis.ts"],
    ["lib/sweep/plan.ts", "lib/cli/main.ts"],
    ["lib/text/batch.ts", "lib/mod.ts"],
    ["lib/text/batch.ts", "tests/support/x.ts"],
    ["data/play.ts", "lib/train/step.ts"],
  ];
  for (const [file, wanted] of wrong) {
    assertEquals(layeringProblems(graphOf({ [file]: [wanted] })), [`${file} must not import ${wanted}`]);
  }
  assertEquals(layeringProblems(graphOf({ "lib/extra/x.ts": [] })), [
    "lib/extra/x.ts is in a folder that the order of folders does not name",
  ]);
});

Deno.test("layeringProblems() names imports from a lower folder of lib/tensorflow to a higher one", () => {
  const graph = graphOf({
    "lib/tensorflow/binding/backend.ts": [
      "lib/tensorflow/native/runtime.ts",
      "lib/tensorflow/compile/compile.ts",
    ],
    "lib/tensorflow/ops/units.ts": ["lib/tensorflow/compile/compile.ts"],
  });
  assertEquals(layeringProblems(graph), [
    "lib/tensorflow/binding/backend.ts must not import lib/tensorflow/compile/compile.ts, which is above it",
  ]);
});

Deno.test("layeringProblems() names imports of another folder's private files", () => {
  const graph = graphOf({
    "lib/figure/report/report.ts": ["lib/figure/report/_sections.ts", "lib/figure/svg/_text.ts"],
    "lib/figure/mod.ts": ["lib/figure/_traces.ts", "lib/figure/svg/svg.ts", "lib/analysis/_sum.ts"],
    "lib/figure/svg/axis.ts": ["lib/figure/_traces.ts"],
  });
  assertEquals(layeringProblems(graph), [
    "lib/figure/report/report.ts must not import lib/figure/svg/_text.ts, which is private to its folder",
    "lib/figure/mod.ts must not import lib/analysis/_sum.ts, which is private to its folder",
    "lib/figure/svg/axis.ts must not import lib/figure/_traces.ts, which is private to its folder",
  ]);
});

Deno.test("layeringProblems() names the import path to TensorFlow from a folder that must not import it", () => {
  const graph = graphOf({
    "lib/record/event.ts": ["lib/fetch/cache.ts"],
    "lib/fetch/cache.ts": ["npm:/@tensorflow/tfjs@4.22.0"],
  });
  assertEquals(layeringProblems(graph), [
    "lib/record/event.ts must not reach TensorFlow: " +
    "lib/record/event.ts → lib/fetch/cache.ts → npm:/@tensorflow/tfjs@4.22.0",
  ]);
});

Deno.test("layeringProblems() names cycles of files", () => {
  const graph = graphOf({
    "lib/text/a.ts": ["lib/text/b.ts"],
    "lib/text/b.ts": ["lib/text/c.ts"],
    "lib/text/c.ts": ["lib/text/b.ts"],
  });
  assertEquals(layeringProblems(graph), [
    "files import each other: lib/text/b.ts → lib/text/c.ts → lib/text/b.ts",
  ]);
});
