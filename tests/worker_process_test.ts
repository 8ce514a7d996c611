// @heavy
/** Worker processes that execute several runs: the same results as one process for each run, and failures of one run alone. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { exists } from "../lib/file/exists.ts";
import { resultDifferences } from "../lib/proof/mod.ts";
import { executeRun } from "../lib/run/execute.ts";
import { readRun, runFolder, runPaths } from "../lib/record/mod.ts";
import { makePlan, parseSweepSpec } from "../lib/sweep/mod.ts";
import { placePlan } from "../lib/sweep/plan_file.ts";
import { WorkerProcess } from "../lib/sweep/worker_process.ts";
import { currentTensorFlow } from "../lib/tensorflow/binding/backend.ts";
import { sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());

const spec = parseSweepSpec({
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], tokensPerStep: 32 },
  ...{ nLayer: 2, nHead: 2, nEmbd: 32, dropout: 0.1, emaDecay: 0.9, steps: 12, evalEvery: 4, evalTokens: 64 },
  ...{ policy: ["float32", "fp16-autocast"], seeds: [1, 2] },
}, "the test");
const plan = await makePlan(spec, 1);
const options = (dir: string) => ({ dir, limits: {}, allowEnvironmentChange: false });

/** Executes all runs, each in a process of its own or all in one. Returns the process of each. */
async function execute(dir: string, { reuse }: { reuse: boolean }): Promise<number[]> {
  await placePlan(dir, plan);
  const process = new WorkerProcess(options(dir)), pids: number[] = [];
  for (const { id } of plan.runs) {
    const worker = process.run(id);
    pids.push(worker.pid);
    assertEquals((await worker.ended).code, 0, Deno.readTextFileSync(runPaths(runFolder(dir, id)).log));
    if (!reuse) await process.end();
  }
  await process.end();
  return pids;
}

Deno.test("runs of one process are bit-identical to runs with a process each, and have their own logs", async () => {
  const [alone, together] = [join(root, "alone"), join(root, "together")];
  assertEquals(new Set(await execute(alone, { reuse: false })).size, 4);
  assertEquals(new Set(await execute(together, { reuse: true })).size, 1);
  assertEquals(resultDifferences(plan, { want: alone, got: together }), []);
  for (const { id } of plan.runs) {
    const [one, other] = [alone, together].map((dir) => logOf(dir, id));
    assertStringIncludes(one!, "step 12: validation loss");
    assertEquals(other, one);
  }
});

Deno.test("a process that is killed in a run or while it waits is replaced, and later runs finish", async () => {
  const dir = join(root, "killed");
  await placePlan(dir, plan);
  const process = new WorkerProcess(options(dir));
  const [first, second, third] = plan.runs.map(({ id }) => id) as [string, string, string];
  const pids: number[] = [];
  const run = async (id: string, signal?: Deno.Signal) => {
    const worker = process.run(id);
    pids.push(worker.pid);
    if (signal !== undefined) worker.kill(signal);
    const { code, cause } = await worker.ended;
    return { code, cause, worker };
  };
  const { worker } = await run(first);
  worker.kill("SIGKILL"); // while it waits
  // Deno reaps the process when it delivers its status, in a turn of the event loop before the next timer.
  while (exists(`/proc/${worker.pid}`)) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals((await run(second)).code, 0);
  const { code, cause } = await run(third, "SIGKILL");
  assertEquals([code, cause], [137, "signal SIGKILL ended the process"]);
  assertEquals((await run(third)).code, 0);
  await process.end();
  assertEquals(new Set(pids).size, 3, String(pids));
  assert(pids.every((pid) => !isRunning(pid)));
});

/** Returns a run's log without TensorFlow's own lines. */
function logOf(dir: string, id: string): string {
  return Deno.readTextFileSync(runPaths(runFolder(dir, id)).log).replaceAll(/^[EWI]0000 .*\n/gm, "");
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("a run leaves no tensors behind, and records its memory", async () => {
  const dir = join(root, "here");
  await placePlan(dir, plan);
  const handles: number[] = [];
  for (const run of plan.runs) {
    const { data, libSha256 } = plan;
    const folder = runFolder(dir, run.id);
    assertEquals(await executeRun({ spec: run.spec, data, libSha256 }, { folder, print: () => {} }), 0);
    const { events } = readRun(folder);
    const peaks = events.flatMap((event) =>
      event.event === "eval" || event.event === "finish" ? [event.peakBytes] : []
    );
    const wanted = Deno.build.os === "linux" ? "number" : "undefined";
    assertEquals(peaks.map((peak) => typeof peak), peaks.map(() => wanted));
    handles.push(currentTensorFlow().runtime.liveHandles);
  }
  assertEquals(handles[2], handles[0]); // of the same precision
  assertEquals(handles[3], handles[1]);
});
