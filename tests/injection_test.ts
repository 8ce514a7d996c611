// @heavy
/**
 * Faults at file operations of `train`, `sweep` and `merge`. After a kill, a torn write, EIO or ENOSPC at any operation, the
 * repeated command has the results of an uninterrupted one. `deno task soak` tests every operation.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { effectiveEvents, readJournal, runFolder, runPaths } from "../lib/record/mod.ts";
import { completeMerges } from "../lib/run/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { resultDifferences } from "../lib/proof/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { ALONE, canInject, FAULT_MODES, type FaultMode, Faults } from "./support/faults.ts";
import { soaking } from "./support/soak.ts";

const root = await Deno.realPath(await Deno.makeTempDir());
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const ignore = !canInject();
const skipped = ignore ? " (skipped: needs cc and glibc)" : "";
const text = join(root, "text.txt"), spec = join(root, "spec.json");
Deno.writeTextFileSync(text, sampleText());
const TINY = {
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], policy: ["float32"], seeds: [1, 2] },
  ...{ tokensPerStep: 16, nLayer: 1, nHead: 1, nEmbd: 8, warmupSteps: 0, dropout: 0.1, execution: "eager" },
  ...{ saveBest: true, steps: 5, evalEvery: 2, evalTokens: 32, checkpointEvery: 3 },
};
Deno.writeTextFileSync(spec, JSON.stringify(TINY));

/** Returns operations with their faults: a sample, or all operations in soak tests. */
function casesOf(
  operations: number,
  { sample, modes }: { sample: number; modes: readonly FaultMode[] },
): { at: number; mode: FaultMode }[] {
  const all = Array.from({ length: operations }, (_, i) => modes.map((mode) => ({ at: i + 1, mode }))).flat();
  if (soaking) return all;
  const random = createRandom(Date.now() % 1e9, "faults");
  // One operation of each range, with alternating faults.
  return Array.from({ length: sample }, (_, i) => {
    const at = Math.floor((i + random.uniform()) * operations / sample) + 1;
    return { at: Math.min(at, operations), mode: modes[i % modes.length]! };
  });
}

/** Returns every file below a folder, by relative path. */
function filesBelow(folder: string, prefix = ""): Record<string, string> {
  return Object.assign(
    {},
    ...[...Deno.readDirSync(folder)].map((entry) => {
      const path = join(folder, entry.name), name = prefix + entry.name;
      return entry.isDirectory ? { [`${name}/`]: "", ...filesBelow(path, `${name}/`) } : { [name]: path };
    }),
  );
}

const commands: [name: string, args: string[], sample: number][] = [
  ["train", [
    ...["--data", text, "--seq", "8", "--batch", "2", "--n-layer", "1", "--n-head", "1", "--n-embd", "8"],
    ...["--steps", "5", "--eval-every", "2", "--eval-tokens", "32", "--checkpoint-every", "3", "--save-best"],
  ], 6],
  ["sweep", [spec, "--workers", "1"], 6],
];

for (const [name, args, sample] of commands) {
  Deno.test({
    name: `${name} has the same result after a fault at any file operation${skipped}`,
    ignore,
    fn: async () => {
      const faults = new Faults(root), want = join(root, `${name}-want`);
      const run = (dir: string, env: Record<string, string>) => runTask(name, [...args, "--out", dir], env);
      const undisturbed = await run(want, faults.variables(want));
      assertEquals(undisturbed.code, 0, undisturbed.stderr);
      const operations = faults.count(), plan = readPlan(want)!;
      assertGreater(operations, 60);
      for (const { at, mode } of casesOf(operations, { sample, modes: FAULT_MODES })) {
        const context = `${mode} at operation ${at} of ${operations}`,
          dir = join(root, `${name}-${at}-${mode}`);
        const faulted = await run(dir, faults.variables(dir, { at, mode }));
        assert(!faulted.stderr.includes("    at "), `${context}: ${faulted.stderr}`);
        const again = await run(dir, {});
        assertEquals(again.code, 0, `${context}: ${again.stderr}`);
        assertEquals(resultDifferences(plan, { want, got: dir }), [], context);
        assertEquals(Object.keys(filesBelow(dir)).sort(), Object.keys(filesBelow(want)).sort(), context);
        Deno.removeSync(dir, { recursive: true });
      }
    },
  });
}

function copy(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const [name, path] of Object.entries(filesBelow(from))) {
    if (path === "") Deno.mkdirSync(join(to, name));
    else Deno.copyFileSync(path, join(to, name));
  }
}

Deno.test({
  name: `merge loses no record by a fault at any file operation${skipped}`,
  ignore,
  fn: async () => {
    const faults = new Faults(root), whole = join(root, "whole"), half = join(root, "half");
    const made = await runTask("sweep", [spec, "--out", whole]);
    assertEquals(made.code, 0, made.stderr);
    // One run is half finished, the other one is missing.
    const [first, second] = readPlan(whole)!.runs.map(({ id }) => id) as [string, string];
    copy(whole, half);
    Deno.removeSync(runFolder(half, second), { recursive: true });
    const { journal, checkpoint, best } = runPaths(runFolder(half, first));
    const lines = Deno.readTextFileSync(journal).split(/(?<=\n)/);
    Deno.writeTextFileSync(journal, lines.slice(0, 4).join(""));
    for (const path of [checkpoint, best]) Deno.removeSync(path);
    Deno.writeTextFileSync(runPaths(runFolder(half, first)).log, "ours\n");
    const stepsIn = (dir: string) =>
      effectiveEvents(readJournal(runPaths(runFolder(dir, first)).journal).events).steps.length;
    const had = stepsIn(half);
    assertGreater(had, 0);

    const merge = (dir: string, env: Record<string, string>) => runTask("merge", [dir, whole], env);
    const want = join(root, "merged");
    copy(half, want);
    const undisturbed = await merge(want, faults.variables(want));
    assertEquals(undisturbed.code, 0, undisturbed.stderr);
    const operations = faults.count(), wanted = filesBelow(want);
    assertGreater(operations, 30);
    assert(!Object.keys(wanted).some((path) => path.startsWith(".merge")), Object.keys(wanted).join(" "));
    for (const { at, mode } of casesOf(operations, { sample: 12, modes: ALONE })) {
      const context = `${mode} at operation ${at} of ${operations}`, dir = join(root, `merge-${at}-${mode}`);
      copy(half, dir);
      const faulted = await merge(dir, faults.variables(dir, { at, mode }));
      assert(!faulted.stderr.includes("    at "), `${context}: ${faulted.stderr}`);
      completeMerges(dir); // as the next sweep does
      assert(stepsIn(dir) >= had, context);
      const again = await merge(dir, {});
      assertEquals(again.code, 0, `${context}: ${again.stderr}`);
      const got = filesBelow(dir);
      assertEquals(Object.keys(got).sort(), Object.keys(wanted).sort(), context);
      for (const [name, path] of Object.entries(wanted)) {
        if (path !== "") {
          assertEquals(Deno.readFileSync(got[name]!), Deno.readFileSync(path), `${context}: ${name}`);
        }
      }
      Deno.removeSync(dir, { recursive: true });
    }
  },
});
