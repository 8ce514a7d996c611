/**
 * `deno task merge` on a sweep that was run in two folders.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { compareJournals, readRun, readRuns, runFolder, runPaths } from "../lib/record/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { editRecord } from "./support/edit_record.ts";

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
Deno.writeTextFileSync(text, sampleText(100));

Deno.test("a sweep that was started in two folders is merged, finished, and equal to an undivided one", async () => {
  const spec = { data: text, seq: [16], policy: ["float32"], vocab: ["character"], seeds: [1, 2, 3] };
  const sizes = {
    steps: 6,
    warmupSteps: 0,
    tokensPerStep: 64,
    nLayer: 1,
    nHead: 1,
    nEmbd: 8,
    evalTokens: 64,
  };
  const path = join(root, "spec.json");
  Deno.writeTextFileSync(path, JSON.stringify({ ...spec, ...sizes }));
  const [here, there, whole] = ["here", "there", "whole"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const dir of [here, whole]) assertEquals((await runTask("sweep", [path, "--out", dir])).code, 0);
  const ids = readRuns(here).map(({ manifest }) => manifest.runId);
  // The same plan in another folder, with other finished runs.
  await new Deno.Command("cp", { args: ["-r", here, there] }).output();
  Deno.removeSync(runFolder(here, ids[0]!), { recursive: true });
  for (const id of ids.slice(1)) Deno.removeSync(runFolder(there, id), { recursive: true });
  Deno.removeSync(runFolder(here, ids[1]!), { recursive: true });

  const first = await runTask("merge", [here, there]);
  assertEquals([first.code, first.stderr], [0, ""]);
  assertStringIncludes(first.stdout, `${there}: 1 run copied, 0 already in ${here}`);
  assertMatch(first.stdout, new RegExp(`missing: run ${ids[1]} \\(.*seed 2\\): no steps`));
  assertStringIncludes(first.stdout, `2 of 3 runs are finished in ${here}`);
  assertStringIncludes((await runTask("merge", [here, there])).stdout, `${there}: 0 runs copied, 1 already`);

  const rest = await runTask("sweep", [path, "--out", here]);
  assertEquals(rest.code, 0, rest.stderr);
  for (const id of ids) {
    const [a, b] = [runFolder(here, id), runFolder(whole, id)];
    assertEquals(compareJournals(readRun(a).events, readRun(b).events), undefined);
    assertEquals(Deno.readFileSync(runPaths(a).checkpoint), Deno.readFileSync(runPaths(b).checkpoint));
  }
  const out = join(root, "out");
  assertStringIncludes(
    (await runTask("merge", [there, here, "--out", out])).stdout,
    `3 of 3 runs are finished in ${out}`,
  );

  const journal = runPaths(runFolder(there, ids[0]!)).journal;
  editRecord(journal, (text) => text.replace(/"loss":\d/, '"loss":9'));
  const conflict = await runTask("merge", [here, there]);
  assertEquals(conflict.code, 3);
  assertMatch(conflict.stdout, /conflict: run .* is \d[^ ]* in .*here, 9[^ ]* in .*there; not copied/);
  for (const args of [[], [join(root, "none")], [here, join(root, "none")], [here, "--out", text]]) {
    const wrong = await runTask("merge", args);
    assertEquals(wrong.code, 2, wrong.stdout);
    assert(!wrong.stderr.includes("    at "), wrong.stderr);
  }
});
