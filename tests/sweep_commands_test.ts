// @heavy
/**
 * Limits, retries, divergence and resume of sweeps, and runs from another environment.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { exists } from "../lib/file/exists.ts";
import { readHolder, readJournal, readRun, readRuns, runPaths } from "../lib/record/mod.ts";
import { UserError } from "../lib/error/user_error.ts";
import { shellWord } from "../lib/file/shell_word.ts";
import { ended, runTask, startTask } from "./support/commands.ts";
import { copy, done, doneSpec, edit, onlyRun, root, specOf } from "./support/tiny_sweep.ts";

Deno.test("a finished run from another environment is repeated, unless that is allowed, and its record is kept", async () => {
  const dir = copy(done, join(root, "moved"));
  const run = onlyRun(dir);
  edit(runPaths(run).manifest, ({ environment }) => environment!["cpuModel"] = "Another CPU");
  const journal = await Deno.readTextFile(runPaths(run).journal);
  const allowed = await runTask("sweep", [doneSpec, "--out", dir, "--allow-environment-change"]);
  assertEquals(allowed.code, 0, allowed.stderr);
  assertEquals(await Deno.readTextFile(runPaths(run).journal), journal);
  const earlier = join(dir, "earlier"), elsewhere = await Deno.makeTempDir({ dir: root });
  await Deno.symlink(elsewhere, earlier);
  const refused = await runTask("sweep", [doneSpec, "--out", dir]);
  assertEquals(refused.code, 3, refused.stderr);
  assertStringIncludes(refused.stderr, `Cannot use ${earlier}: `);
  assertEquals([...Deno.readDirSync(elsewhere)], []);
  await Deno.remove(earlier);
  const { code, stderr } = await runTask("sweep", [doneSpec, "--out", dir]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, 'cpuModel was "Another CPU", is ');
  const [kept] = [...Deno.readDirSync(join(dir, "earlier"))];
  assertEquals(await Deno.readTextFile(join(dir, "earlier", kept!.name, "journal.jsonl")), journal);
  const { status, manifest } = readRun(run);
  assertEquals(status, "finished");
  assert(manifest.environment.cpuModel !== "Another CPU");
});

Deno.test("sweep prints the command to try next: compare for pairs, report for other runs", async () => {
  const pairs = await specOf("pairs", { policy: ["float32", "bf16-autocast"] });
  for (const [spec, name, next] of [[doneSpec, "it's one", "report"], [pairs, "pairs", "compare"]] as const) {
    const dir = join(root, name);
    const { code, stdout, stderr } = await runTask("sweep", [spec, "--out", dir]);
    assertEquals(code, 0, stderr);
    const [, command] = /^next: +(.*)$/m.exec(stdout) ?? [];
    assertEquals(command, `deno task ${next} ${shellWord(dir)}`);
  }
});

Deno.test("a sweep removes the claim of a process that was killed at the end of its run", async () => {
  const dir = copy(done, join(root, "claimed"));
  const { claim, folder } = runPaths(onlyRun(dir));
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const killed = { host: Deno.hostname(), pid: 1, token: "killed", beat: 0, generation: 1 };
  Deno.writeTextFileSync(claim, JSON.stringify(killed));
  const { code, stderr } = await runTask("sweep", [doneSpec, "--out", dir]);
  assertEquals(code, 0, stderr);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), files);
});

Deno.test("an unfinished run from another environment starts over, unless that is allowed", async () => {
  for (const allowed of [true, false]) {
    const dir = copy(done, join(root, `unfinished-${allowed}`));
    const run = onlyRun(dir), { journal, manifest, log } = runPaths(run);
    const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
    await Deno.writeTextFile(journal, `${lines.slice(0, -3).join("\n")}\n`);
    edit(manifest, ({ environment }) => environment!["tensorflowVersion"] = "1.0");
    const args = [doneSpec, "--out", dir, ...(allowed ? ["--allow-environment-change"] : [])];
    const { code, stderr } = await runTask("sweep", args);
    assertEquals(code, 0, stderr);
    const told = (await Deno.readTextFile(log)).includes(
      "starting over: its steps were computed in another environment",
    );
    assertEquals(told, !allowed);
  }
});

Deno.test("a run that diverges against its spec ends there, is not retried, and has status 4", async () => {
  const path = await specOf("wild", {
    ...{ allowDivergence: false, minLr: 0, clip: 0, steps: 30 },
    zip: [{ lr: [1e6, 1e-3] }],
  });
  const dir = join(root, "wild");
  const { code, stderr } = await runTask("sweep", [path, "--out", dir, "--workers", "1"]);
  assertEquals(code, 4, stderr);
  assertMatch(
    stderr,
    /failed: [0-9a-f]{12}: Cannot continue the diverged run: .*loss, got (NaN|Infinity) at step \d+/,
  );
  assert(!stderr.includes("retry"), stderr);
  const runs = readRuns(dir);
  assertEquals(runs.map(({ status }) => status).sort(), ["failed", "finished"]);
});

Deno.test("a run over its time or memory limit is stopped and reported, and other runs continue", async () => {
  const long = await specOf("long", { steps: 100_000, evalEvery: 100_000, checkpointEvery: 100_000 });
  const timed = await runTask("sweep", [long, "--out", join(root, "timed"), "--time-limit", "4s"]);
  assertEquals(timed.code, 3, timed.stderr);
  assertStringIncludes(timed.stderr, "the run exceeded its time limit of 4 s");
  // A slow machine has not finished its first step by then.
  const { events } = readJournal(runPaths(onlyRun(join(root, "timed"))).journal);
  if (events.length > 0) assertEquals(events.at(-1)?.event, "fail");
  if (events.some(({ event }) => event === "step")) {
    assert(events.some(({ event }) => event === "checkpoint"), "it had time for a checkpoint");
  }
  const large = await runTask("sweep", [long, "--out", join(root, "large"), "--memory-limit", "50MB"]);
  assertEquals(large.code, 3, large.stderr);
  assertMatch(large.stderr, /the run used [\d.]+ MB of memory and exceeded its limit of 50.0 MB/);
});

Deno.test("a failed run is retried, and the cause is in its journal and log", async () => {
  const mended = join(root, "mended"), schedule = join(root, "killer.ts"), dir = join(root, "retried");
  await Deno.writeTextFile(
    schedule,
    `export default (step: number) => {
  const isMended = Deno.readDirSync(${JSON.stringify(root)}).some(({ name }) => name === "mended");
  if (Deno.mainModule.endsWith("/worker.ts") && step === 5 && !isMended) Deno.kill(Deno.pid, "SIGKILL");
  return 1e-3;
};
`,
  );
  const spec = await specOf("killer", { policy: ["float32"], seeds: [1], schedule });
  const { code, stderr } = await runTask("sweep", [spec, "--out", dir, "--retries", "2"]);
  assertEquals(code, 3, stderr);
  const run = onlyRun(dir), { journal, log } = runPaths(run);
  assertEquals(readRun(run).status === "finished", false);
  for (const attempt of [1, 2]) assertStringIncludes(stderr, `retry ${attempt} of 2`);
  assertEquals(readJournal(journal).events.at(-1)?.event, "fail");
  for (const path of [journal, log]) assertMatch(await Deno.readTextFile(path), /SIGKILL/);
  await Deno.writeTextFile(mended, "");
  assertEquals((await runTask("sweep", [spec, "--out", dir])).code, 0);
  assertEquals(readRun(run).status, "finished");
});

Deno.test("a run with a folder in place of its checkpoint is damaged, and is resumed once that is removed", async () => {
  const dir = copy(done, join(root, "tried"));
  const run = onlyRun(dir), { journal, checkpoint } = runPaths(run);
  const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
  await Deno.writeTextFile(journal, `${lines.slice(0, 8).join("\n")}\n`);
  await Deno.remove(checkpoint);
  await Deno.mkdir(join(checkpoint, "in the way"), { recursive: true });
  const { code, stderr } = await runTask("sweep", [doneSpec, "--out", dir, "--retries", "2"]);
  assertEquals(code, 3, stderr);
  assertThrows(() => readRun(run), UserError, "expected a regular file, got a folder");
  await Deno.remove(checkpoint, { recursive: true });
  assertEquals((await runTask("sweep", [doneSpec, "--out", dir])).code, 0);
  assertEquals(readRun(run).status, "finished");
});

Deno.test("invalid limits and retries are reported, and nothing starts", async () => {
  const wrong: [string, string, RegExp][] = [
    ["--time-limit", "soon", /--time-limit: expected a time such as 90s/],
    ["--time-limit", "0s", /--time-limit/],
    ["--memory-limit", "2 apples", /--memory-limit: expected a size such as 800MB/],
    ["--memory-limit", "-1GB", /--memory-limit/],
    ["--retries", "-1", /--retries: expected a whole number/],
    ["--retries", "1.5", /--retries: expected a whole number/],
  ];
  const out = join(root, "nothing");
  await Promise.all(wrong.map(async ([flag, value, told]) => {
    const { code, stderr } = await runTask("sweep", [doneSpec, "--out", out, `${flag}=${value}`]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, told);
  }));
  assert(!exists(out));
});

Deno.test("a second Ctrl-C stops a sweep with a stalled worker, and no record is lost", async () => {
  const path = await specOf("stuck", { steps: 3000, evalEvery: 3000, checkpointEvery: 50 });
  const dir = join(root, "stuck");
  const child = startTask("sweep", [path, "--out", dir]);
  const output = ended(child);
  let pid: number | undefined;
  while (pid === undefined || readJournal(runPaths(onlyRun(dir)).journal).events.length < 100) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      pid = readHolder(runPaths(onlyRun(dir)).claim)?.pid;
    } catch {
      // No run has started.
    }
  }
  Deno.kill(pid, "SIGSTOP"); // as one that is at a very long step
  const recorded = readJournal(runPaths(onlyRun(dir)).journal).events.length;
  let isOver = false;
  output.then(() => isOver = true);
  while (!isOver) { // on a busy machine, signals that follow each other closely count as one
    child.kill("SIGINT");
    await Promise.race([output, new Promise((resolve) => setTimeout(resolve, 1500))]);
  }
  const { code, stderr } = await output;
  assertEquals(code, 75, stderr);
  assertEquals(readJournal(runPaths(onlyRun(dir)).journal).events.length >= recorded, true);
  const again = await runTask("sweep", ["--resume", "--out", dir]);
  assertEquals(again.code, 0, again.stderr);
  assertEquals(readRun(onlyRun(dir)).status, "finished");
});

Deno.test("sweep --resume resumes from the folder's plan if code and text are unchanged", async () => {
  const dir = copy(done, join(root, "by-plan"));
  const { code, stderr } = await runTask("sweep", ["--resume", "--out", dir]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "1 of 1 runs are already finished");
  edit(join(dir, "plan.json"), (plan) => Object.assign(plan, { libSha256: "0".repeat(64) }));
  const other = await runTask("sweep", ["--resume", "--out", dir]);
  assertEquals(other.code, 2);
  assertMatch(other.stderr, /a plan of another version of the code/);
});
