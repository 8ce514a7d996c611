// @heavy
/**
 * Sweeps that are killed at random times. No record is lost or duplicated, and the results are bit-identical. `deno task soak`
 * tests 1,000 kills.
 */
import { assert, assertEquals, assertGreaterOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { makePlan, parseSweepSpec } from "../lib/sweep/mod.ts";
import { resultDifferences, verifyPlan } from "../lib/proof/mod.ts";
import { readRuns, takeClaim } from "../lib/record/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";
import { soaking } from "./support/soak.ts";
import { editRecord } from "./support/edit_record.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());

/** Runs that take less than a second, and use every part of a checkpoint. */
const TINY = {
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], tokensPerStep: 32 },
  ...{ nLayer: 2, nHead: 2, nEmbd: 32, warmupSteps: 0, dropout: 0.1, emaDecay: 0.9, saveBest: true },
  ...{ steps: 40, evalEvery: 8, evalTokens: 64, checkpointEvery: 5 },
};

const KILLS = soaking ? 1000 : 200;

Deno.test(`a sweep that is killed ${KILLS} times has the results of an uninterrupted sweep`, async () => {
  const spec = parseSweepSpec({ ...TINY, policy: ["float32", "bf16-autocast"], seeds: [1, 2] }, "the test");
  const lines: string[] = [];
  const { problems, kills, sweeps } = await verifyPlan(await makePlan(spec, 1), {
    ...{ dir: join(root, "killed"), kills: KILLS, workers: 2, seed: Date.now() % 1e9 },
    print: (line) => lines.push(line),
  });
  // The problems come first, because long messages are cut.
  assertEquals(problems.length, 0, [...problems, ...lines].join("\n"));
  assertGreaterOrEqual(kills, KILLS);
  assertGreaterOrEqual(sweeps, 2, "too few sweeps finished between the kills");
});

Deno.test("verify-resume verifies a user's spec, and reports an invalid folder", async () => {
  const path = join(root, "spec.json");
  await Deno.writeTextFile(path, JSON.stringify({ ...TINY, policy: ["float32"], seeds: [1], steps: 20 }));
  const { code, stdout, stderr } = await runTask("verify-resume", [path, "--kills", "3"]);
  assertEquals(code, 0, stderr);
  assertMatch(
    stdout.trim(),
    /^identical: [3-6] kills in \d+ sweeps? changed nothing; killed runs resumed [1-9]\d* times? from a checkpoint$/,
  );
  const full = await runTask("verify-resume", [path, "--out", root]);
  assertEquals(full.code, 2);
  assert(full.stderr.includes("got a folder with files"), full.stderr);

  const temporary = join(root, "temporary");
  await Deno.mkdir(temporary);
  const child = startTask("verify-resume", [path, "--kills", "100"], { TMPDIR: temporary });
  let over = false;
  child.status.then(() => over = true);
  const held = () =>
    [...Deno.readDirSync(temporary)].filter(({ name }) => name.startsWith("losskit-verify-"));
  while (held().length === 0 && !over) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGINT");
  const interrupted = await ended(child);
  assertEquals(interrupted.code, 130);
  assertStringIncludes(interrupted.stderr, "Cannot verify the spec: interrupted.");
  assertEquals(held(), []);
});

Deno.test("8 workers and two more sweeps on one folder execute each of 64 runs once, and lose no log", async () => {
  const dir = join(root, "many"), path = join(root, "many.json");
  const seeds = Array.from({ length: 64 }, (_, i) => i);
  const spec = { ...TINY, policy: ["float32"], seeds, steps: 6, evalEvery: 3, checkpointEvery: 3 };
  await Deno.writeTextFile(path, JSON.stringify(spec));
  const sweeps = ["8", "3", "3"].map((workers) =>
    startTask("sweep", [path, "--out", dir, "--workers", workers])
  );
  // All sweeps use the number of threads in the folder's plan.
  for (const { code, stderr } of await Promise.all(sweeps.map(ended))) assertEquals(code, 0, stderr);
  const runs = readRuns(dir);
  assertEquals(runs.length, 64);
  for (const { manifest, events, status } of runs) {
    assertEquals(status, "finished");
    const kinds = events.map(({ event }) => event);
    for (const once of ["start", "finish"]) {
      assertEquals(kinds.filter((kind) => kind === once).length, 1, `${manifest.runId}: ${once}`);
    }
    assert(!kinds.includes("resume") && !kinds.includes("fail"), `${manifest.runId}: ${kinds}`);
    const log = await Deno.readTextFile(join(dir, "runs", manifest.runId, "log.txt"));
    for (const step of [0, 3, 6]) {
      assertEquals(log.split(`step ${step}: validation loss`).length - 1, 1, `${manifest.runId}: ${log}`);
    }
  }
});

Deno.test("resultDifferences() finds every difference", async () => {
  const spec = parseSweepSpec({ ...TINY, policy: ["float32"], seeds: [1], steps: 10 }, "the test");
  const plan = await makePlan(spec, 1);
  const want = join(root, "want"), got = join(root, "got");
  const { kills } = await verifyPlan(plan, {
    ...{ dir: join(root, "once"), kills: 1, workers: 1 },
    print: () => {},
  });
  assert(kills >= 1 && kills <= 4, `${kills} kills`); // more than one if no random kill led to a resume
  for (const dir of [want, got]) copy(join(root, "once", "undisturbed"), dir);
  assertEquals(resultDifferences(plan, { want, got }), []);
  const folder = join(got, "runs", plan.runs[0]!.id);
  // A commit between two runs is no difference.
  editRecord(join(folder, "manifest.json"), (text) => {
    const manifest = JSON.parse(text);
    return JSON.stringify({
      ...manifest,
      environment: { ...manifest.environment, gitCommit: "a".repeat(40) },
    });
  });
  assertEquals(resultDifferences(plan, { want, got }), []);
  const journal = join(folder, "journal.jsonl");
  const whole = editRecord(journal, (text) => text.replace(/("step":4.*"loss":)[\d.]+/, "$11.25"));
  const [changed, tables] = resultDifferences(plan, { want, got });
  assert(/step 4: expected loss .* as in the uninterrupted run, got 1.25/.test(changed!), changed);
  assertEquals(tables, "the result columns of the tables differ");
  await Deno.writeTextFile(journal, whole);
  await Deno.writeTextFile(join(folder, "left.tmp"), "");
  await Deno.writeTextFile(join(folder, "claim.json"), "{}\n");
  await Deno.writeFile(join(folder, "best.safetensors"), new Uint8Array(3));
  assertEquals(resultDifferences(plan, { want, got }).sort(), [
    `run ${plan.runs[0]!.id}: best.safetensors has different bytes`,
    `run ${plan.runs[0]!.id}: claim.json is a leftover file`,
    `run ${plan.runs[0]!.id}: left.tmp is a leftover file`,
  ]);
  using _claim = await takeClaim(join(folder, "claim.json")); // a worker that is about to exit
  assertEquals(resultDifferences(plan, { want, got }).filter((one) => one.includes("claim")), []);
});

function copy(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) copy(source, target);
    else Deno.copyFileSync(source, target);
  }
}
