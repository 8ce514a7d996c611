/**
 * Commands parse and print. Each prints what one call of the library returns, so that a notebook can make the same call.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { basename } from "node:path";
import { findFiles } from "./support/test_files.ts";

/** Functions of the library that each command calls. A command with several chooses one by its arguments. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  _setup: ["loadCorpus", "loadGpt2Tokenizer", "plotlySource", "useTensorFlow"], // what the cache holds
  cluster: ["writeKubernetesJobs", "writeSlurmJobs"],
  compare: ["compareFolder", "compareRunFolders", "compareSpec"],
  evaluate: ["evaluateModel"],
  experiment: ["runExperiment"],
  explain: ["explainNonFinite", "explainRun"],
  flag_words: ["isTokenizerPath", "parseTokenizerName", "tokenizerName"], // parses a word, for an error with the flag's name
  export: ["checkExport", "exportFormats", "exportRuns"],
  generate: ["generateTexts"],
  jupyter: ["jupyterDataDir", "labPython", "startLab", "writeKernelspec"], // starts JupyterLab, for its user to work in
  main: [],
  merge: ["describe", "mergeSweeps"],
  note: ["noteRun"],
  notebooks: ["runNotebooks"],
  plan: ["plan"],
  plan_line: ["count"], // writes numbers with their units
  report: ["report", "serveReport"],
  reproduce: ["reproduceRuns"],
  run: ["runAt"],
  save_gpt2: ["saveModel"],
  setup: [], // starts _setup.ts
  sweep: ["recordSweep"],
  train: ["describeRun", "recordRun"],
  verify_resume: ["verifyResume"],
};

/** Folders of lib for parsing and printing. */
const PLAIN = ["error", "file", "options", "precision", "progress"];

/** Functions and classes that a file imports from folders of lib, except {@linkcode PLAIN} and its own. */
function callsOf(source: string): string[] {
  const imports = source.matchAll(/^import (?:(type) )?(?:\{([^}]*)\}|\w+) from "([^"]+)";$/gm);
  return [...imports].flatMap(([, type, names = "", path = ""]) => {
    const folder = /^\.\.\/(\w+)\//.exec(path)?.[1];
    if (type !== undefined || folder === undefined || PLAIN.includes(folder)) return [];
    return names.split(",").map((name) => name.trim())
      .filter((name) => name !== "" && !name.startsWith("type ") && !/^[A-Z][A-Z0-9_]*$/.test(name))
      .map((name) => name.split(" as ")[0]!);
  }).sort();
}

Deno.test("each command makes one call of the library, and its helpers only parse", () => {
  const files = findFiles(["lib/cli"]).filter((file) => !file.endsWith("_test.ts"));
  assertGreater(files.length, Object.keys(CALLS).length);
  const found = Object.fromEntries(files.flatMap((file) => {
    const source = Deno.readTextFileSync(file);
    const calls = callsOf(source);
    const name = basename(file, ".ts");
    return calls.length > 0 || source.includes("import.meta.main") ? [[name, calls]] : [];
  }));
  assertEquals(found, CALLS);
});

Deno.test("callsOf() finds imported functions and no types and constants", () => {
  const source = [
    'import { a, type B, C_D } from "../study/mod.ts";',
    'import type { e } from "../run/mod.ts";',
    'import { UserError } from "../error/user_error.ts";',
    'import {\n  f,\n  g as h,\n} from "../sweep/plan.ts";',
    'import { command } from "./command.ts";',
  ].join("\n");
  assertEquals(callsOf(source), ["a", "f", "g"]);
});
