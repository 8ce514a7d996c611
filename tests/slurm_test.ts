// @heavy
/**
 * Job arrays on a real Slurm on this machine, with axes over the architecture and the initial model. Preempted, requeued and
 * signaled tasks resume to the results of uninterrupted ones.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { compareJournals, readJournal, readRun, runFolder, runPaths } from "../lib/record/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { haveSlurm, type Slurm, SLURM_CPUS, startSlurm } from "./support/slurm.ts";

const reason = await haveSlurm();
if (reason !== true) console.log(`skipped: a Slurm is wanted for these tests: ${reason}`);

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
Deno.writeTextFileSync(text, sampleText(100));

const SPEC = {
  data: text,
  ...{ seq: [32], policy: ["float32", "bf16-autocast"], vocab: ["character"], seeds: [1, 2] },
  // Enough steps that a run is still at work when a command of Slurm reaches it.
  ...{ steps: 4000, warmupSteps: 0, tokensPerStep: 256, nLayer: 1, nHead: 2, nEmbd: 32, evalTokens: 64 },
};

/** Returns a spec with runs of a GPT-2 that start from a trained model, and of a LLaMA, in two precisions. */
async function specOfModels(): Promise<object> {
  const { seeds: _, ...spec } = SPEC, dir = join(root, "initial"), path = join(root, "initial.json");
  Deno.writeTextFileSync(path, JSON.stringify({ ...spec, policy: ["float32"], seeds: [1], steps: 3 }));
  assertEquals((await runTask("sweep", [path, "--out", dir])).code, 0);
  const initial = folders(dir)[0]!, vocab = [runPaths(initial).tokenizer];
  return {
    ...spec,
    vocab,
    seeds: [1],
    zip: [{ architecture: ["gpt2", "llama"], initFrom: [initial, "none"] }],
  };
}

/** Writes the plan and the script of a spec for Slurm. */
async function planned(name: string, spec: object): Promise<string> {
  const path = join(root, `${name}.json`), dir = join(root, name);
  Deno.writeTextFileSync(path, JSON.stringify(spec));
  const { code, stderr } = await runTask("cluster", ["slurm", path, "--out", dir]);
  assertEquals(code, 0, stderr);
  return dir;
}

function folders(dir: string): string[] {
  return readPlan(dir)!.runs.map(({ id }) => runFolder(dir, id));
}

function stepsOf(folder: string): number {
  return readJournal(runPaths(folder).journal).events.filter(({ event }) => event === "step").length;
}

/** Waits until a condition holds. After some minutes, fails with Slurm's messages. */
async function until(slurm: Slurm, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 240_000;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}\n${slurm.logs()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function submit(slurm: Slurm, args: string[]): Promise<string> {
  return (await slurm.command("sbatch", ["--parsable", ...args])).trim();
}

/** Returns true if a job, or every task of an array, has ended. */
async function isOver(slurm: Slurm, job: string): Promise<boolean> {
  const states = await slurm.command("squeue", [
    "--noheader",
    "--array",
    "--states=all",
    "--format=%T",
    `--jobs=${job}`,
  ]);
  return states.trim().split("\n").every((state) => /^(COMPLETED|FAILED)$/.test(state));
}

Deno.test({
  name: "preempted, signaled and requeued tasks of an array resume to the results of uninterrupted runs",
  ignore: reason !== true,
  async fn() {
    const spec = await specOfModels();
    const undisturbed = await planned("undisturbed", spec), dir = await planned("array", spec);
    for (const index of folders(undisturbed).keys()) {
      assertEquals((await runTask("run", [undisturbed, "--index", String(index)])).code, 0);
    }
    await using slurm = await startSlurm();
    const runs = folders(dir);
    const array = await submit(slurm, [join(dir, "slurm.sh")]);
    await until(
      slurm,
      "the first two runs are on their way",
      () => runs.slice(0, 2).every((run) => stepsOf(run) > 50),
    );

    // A job of a higher partition preempts them.
    const job = join(root, "other.sh");
    Deno.writeTextFileSync(job, `#!/bin/bash\n#SBATCH --output=${job}.log\nsleep 1\n`);
    const other = await submit(slurm, ["--partition=high", `--cpus-per-task=${SLURM_CPUS}`, job]);
    await until(slurm, "the other job is done", () => isOver(slurm, other));
    for (const run of runs.slice(0, 2)) {
      const { events, status } = readRun(run);
      assertEquals([status, events.some(({ event }) => event === "checkpoint")], ["unfinished", true]);
    }

    // The third task gets the signal that precedes its time limit, and requeues itself.
    await until(slurm, "the third run is on its way", () => stepsOf(runs[2]!) > 50);
    await slurm.command("scancel", ["--signal=USR1", `${array}_2`]);
    await until(slurm, "it has stopped", async () => (await slurm.job(`${array}_2`))["Restarts"] === "1");
    assertEquals(readRun(runs[2]!).status, "unfinished");

    // The fourth task is requeued by a command.
    await until(slurm, "the fourth run is on its way", () => stepsOf(runs[3]!) > 50);
    await slurm.command("scontrol", ["requeue", `${array}_3`]);

    await until(slurm, "all runs are done", () => isOver(slurm, array));
    for (const [index, run] of runs.entries()) {
      const task = await slurm.job(`${array}_${index}`);
      assertEquals([task["JobState"], task["ExitCode"]], ["COMPLETED", "0:0"]);
      assertGreater(Number(task["Restarts"]), 0);
      const { events, status } = readRun(run);
      assertEquals(status, "finished");
      const resumed = events.find((event) => event.event === "resume");
      assert(resumed !== undefined && resumed.step > 0, `run ${index} started over`);
      const whole = folders(undisturbed)[index]!;
      assertEquals(compareJournals(events, readRun(whole).events), undefined);
      assertEquals(
        Deno.readFileSync(runPaths(run).checkpoint),
        Deno.readFileSync(runPaths(whole).checkpoint),
      );
    }
  },
});

Deno.test({
  name: "a task that diverges or has invalid input fails with its status and is not requeued",
  ignore: reason !== true,
  async fn() {
    const short = { ...SPEC, policy: ["float32"], seeds: [1], steps: 20 };
    const diverging = await planned("diverging", {
      ...short,
      lr: 1e6,
      minLr: 0,
      clip: 0,
      allowDivergence: false,
    });
    const own = join(root, "own.txt");
    Deno.copyFileSync(text, own);
    const changed = await planned("changed", { ...short, data: own });
    Deno.writeTextFileSync(own, "another text", { append: true });
    await using slurm = await startSlurm();
    for (const [dir, status] of [[diverging, 4], [changed, 2]] as const) {
      const array = await submit(slurm, [join(dir, "slurm.sh")]);
      await until(slurm, "it has ended", () => isOver(slurm, array));
      const task = await slurm.job(`${array}_0`);
      assertEquals([task["JobState"], task["ExitCode"], task["Restarts"]], ["FAILED", `${status}:0`, "0"]);
    }
  },
});
