// @heavy
/**
 * A sweep's folder that is copied while runs are at work is a whole sweep's folder: it is read, and gone on with to the same
 * results.
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
            steps: 600,
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
          // A checkpoint that was replaced or a file that came and went meanwhile: rsync says so, and copies the rest.
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

      // The copy of the middle goes on by itself, in another place.
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
      // The last copy is brought up to date by the next rsync, and has nothing left to do.
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
