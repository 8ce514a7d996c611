// @heavy
/**
 * A sweep's folder that is copied while runs are in progress is valid. It can be read, and resumed to the same results.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { compareJournals, effectiveEvents, readRuns, runFolder, runPaths } from "../lib/record/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";
import { findProgram, installFromDebian } from "./support/debian.ts";
import { capture } from "./support/python.ts";

if (findProgram("rsync") === undefined) await installFromDebian(["rsync"]);
const rsync = findProgram("rsync");
if (rsync === undefined) console.log("skipped: rsync is neither on this machine nor installed by apt-get");

Deno.test({
  name: "a copy by rsync during runs can be resumed to the same results",
  ignore: rsync === undefined,
  async fn() {
    const root = Deno.makeTempDirSync();
    try {
      const text = join(root, "text.txt"), spec = join(root, "spec.json");
      Deno.writeTextFileSync(text, sampleText(100));
      Deno.writeTextFileSync(
        spec,
        JSON.stringify({
          data: text,
          ...{ seq: [16], policy: ["float32"], vocab: ["character"], seeds: [1, 2], saveBest: true },
          ...{
            steps: 2000,
            warmupSteps: 0,
            tokensPerStep: 128,
            nLayer: 1,
            nHead: 1,
            nEmbd: 16,
            evalTokens: 64,
          },
          ...{ checkpointEvery: 20, evalEvery: 20 },
        }),
      );
      const live = join(root, "live"), copy = join(root, "copy"), early = join(root, "early");
      const sweep = startTask("sweep", [spec, "--out", live]);
      let done = false;
      const end = ended(sweep).then((result) => {
        done = true;
        return result;
      });
      let copies = 0, unfinished = 0;
      while (!done) {
        try {
          await capture(rsync!, ["-a", `${live}/`, copy]);
        } catch (error) {
          // rsync reports files that were replaced or removed during the copy, and copies the others.
          if (!/vanished|failed to set times|No such file/.test(String(error))) throw error;
        }
        copies++;
        if (!hasRuns(copy)) continue;
        const runs = readRuns(copy); // a half-written line at most
        if (runs.some(({ events, status }) => status === "unfinished" && stepsOf(events) > 100)) {
          unfinished++;
          if (unfinished === 1) await capture(rsync!, ["-a", `${copy}/`, early]);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assertEquals((await end).code, 0);
      assert(copies > 3 && unfinished > 0, `${copies} copies, ${unfinished} of runs at work`);

      // The copy taken in the middle is resumed in another folder.
      const { code, stderr } = await runTask("sweep", [spec, "--out", early]);
      assertEquals(code, 0, stderr);
      for (const { manifest: { runId }, events } of readRuns(live)) {
        const other = readRuns(early).find(({ manifest }) => manifest.runId === runId)!;
        assertEquals(compareJournals(events, other.events), undefined);
        for (const file of ["checkpoint", "best"] as const) {
          const [a, b] = [live, early].map((dir) => Deno.readFileSync(runPaths(runFolder(dir, runId))[file]));
          assertEquals(a, b);
        }
      }
      // The next rsync completes the last copy. All its runs are then finished.
      await capture(rsync!, ["-a", `${live}/`, copy]);
      const merged = await runTask("merge", [live, copy, early]);
      assertEquals(merged.code, 0, merged.stdout);
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  },
});

function hasRuns(dir: string): boolean {
  try {
    return [...Deno.readDirSync(join(dir, "runs"))].length > 0;
  } catch {
    return false;
  }
}

function stepsOf(events: Parameters<typeof effectiveEvents>[0]): number {
  return effectiveEvents(events).steps.length;
}
