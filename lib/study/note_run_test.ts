import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { runTable } from "../analysis/mod.ts";
import { UserError } from "../error/user_error.ts";
import { renderReport } from "../figure/mod.ts";
import { readRun, readRuns } from "../record/mod.ts";
import { noteRun } from "./note_run.ts";

Deno.test("noteRun() keeps a note and tags in the run's folder, and reports show them", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    const folder = writeSyntheticRun(dir, { losses: [3, 2] });
    writeSyntheticRun(dir, { losses: [3, 2], spec: { seed: 2 } });
    assertEquals(noteRun(folder), { text: "", tags: [] });
    assertEquals(noteRun(folder, { text: "spike <b>", tags: ["baseline", "b", "b"] }), {
      ...{ text: "spike <b>", tags: ["b", "baseline"] },
    });
    assertEquals(noteRun(folder, { without: ["b"] }), { text: "spike <b>", tags: ["baseline"] });
    assertEquals(readRun(folder).warnings, []);
    const runs = readRuns(dir);
    assertEquals(runTable(runs).array("tags"), ["baseline", ""]);
    const html = await renderReport({ title: "a", runs, reproduce: [] });
    assertStringIncludes(html, '<fieldset data-axis="tags">');
    assertThrows(() => noteRun(folder, { tags: ["a b"] }), UserError, 'without spaces and commas, got "a b"');
    assertThrows(() => noteRun(folder, { text: "x".repeat(2001) }), UserError, "at most 2000 characters");
    assertThrows(() => noteRun(join(dir, "none")), UserError, "Cannot read");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("a damaged note is a warning, and its run stays readable", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const folder = writeSyntheticRun(dir, { losses: [3, 2] });
    Deno.writeTextFileSync(join(folder, "note.json"), "{");
    const { note, warnings } = readRun(folder);
    assertEquals(note, undefined);
    assertStringIncludes(warnings.join(), "note.json: expected a run's note");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
