/**
 * Studies as single calls of the library: plan, sweep, compare, report, export, verify resume, record one run.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { briefText, summarize } from "../lib/analysis/mod.ts";
import { UserError } from "../lib/error/user_error.ts";
import {
  compare,
  compareFolder,
  exportRuns,
  plan,
  report,
  sweep,
  type SweepSpecInput,
  verifyResume,
} from "../lib/mod.ts";
import { describeRun, recordRun, recordSweep } from "../lib/study/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { sampleText } from "./support/commands.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";
import { simulatePairs } from "./support/simulated_pairs.ts";

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const data = join(root, "text.txt");
Deno.writeTextFileSync(data, sampleText(2000));

const spec: SweepSpecInput = {
  ...{ data, seq: [16], policy: ["off", "bf16-autocast"], vocab: ["char"], seeds: [1, 2], steps: 3 },
  ...{ tokensPerStep: 64, nLayer: 1, nHead: 1, nEmbd: 16, evalTokens: 64 },
};
const quiet = { progress: { write: () => {} } };

Deno.test("sweep() runs a spec with short names and returns its runs; a second call returns them without training", async () => {
  const dir = join(root, "sweep");
  const runs = await sweep(spec, { dir, workers: 2, ...quiet });
  assertEquals(
    runs.map(({ status, manifest: { spec: { policy, seed, tokenizer, warmupSteps } } }) => [
      ...[status, policy, seed, tokenizer, warmupSteps],
    ]),
    ["bf16-autocast", "float32"].flatMap((policy) =>
      [1, 2].map((seed) => ["finished", policy, seed, "character", 0])
    ),
  );
  assertEquals(readPlan(dir)!.runs.length, 4);
  assertEquals(await sweep(spec, { dir, ...quiet }), runs);

  const comparison = compare(runs, { tolerance: 1 });
  assertEquals([comparison.verdicts.length, comparison.pairs.length, comparison.table().numRows()], [
    1,
    2,
    1,
  ]);
  const [verdict] = comparison.verdicts;
  assertEquals([verdict!.setting, verdict!.precision, verdict!.kind], [
    ...["character, T = 16", "bf16-autocast", "stable"],
  ]);
  assertEquals(comparison.sentence, `${verdict!.setting}: ${verdict!.sentence}`);
  assert(comparison.figures().length >= 2);
});

Deno.test("sweep() rejects invalid specs, and stops at a signal", async () => {
  const dir = join(root, "wrong");
  await assertRejects(
    () => sweep({ ...spec, lr: -1 }, { dir, ...quiet }),
    UserError,
    "expected lr to be above 0",
  );
  await assertRejects(
    () => sweep({ ...spec, data: join(root, "none.txt") }, { dir, ...quiet }),
    UserError,
    "none.txt",
  );
  const aborted = AbortSignal.abort();
  assertEquals(await sweep(spec, { dir: join(root, "stopped"), signal: aborted, ...quiet }), []);
});

Deno.test("recordSweep() plans, runs and reports a sweep in one call, and resumes it from its folder", async () => {
  const dir = join(root, "recorded"), plans: number[] = [], lines: string[] = [];
  const options = {
    ...{ dir, workers: 2, tolerance: 1, ...quiet },
    onPlan: ({ plan }: { plan: { runs: readonly unknown[] } }) => void plans.push(plan.runs.length),
    print: (line: string) => void lines.push(line),
  };
  const stopped = await recordSweep(spec, { ...options, signal: AbortSignal.abort() });
  assertEquals([stopped.ending, stopped.exitCode, stopped.finished], ["interrupted", 75, 0]);
  assertEquals([stopped.runs, stopped.verdicts, stopped.report], [[], [], undefined]);
  const { ending, exitCode, runs, verdicts, report, plan } = await recordSweep({}, {
    ...options,
    resume: true,
  });
  assertEquals([ending, exitCode, plan.name, plans], ["done", 0, "recorded", [4, 4]]);
  assertEquals(runs.map(({ manifest }) => manifest.runId).sort(), plan.runs.map(({ id }) => id).sort());
  assertEquals(verdicts, compare(runs, { tolerance: 1 }).verdicts);
  assertEquals([report!.path, lines.at(-1)], [
    join(dir, "report.html"),
    `\n${briefText(summarize(runs, 1))}`,
  ]);
  await assertRejects(
    () => recordSweep(null as never, { dir, resume: true }),
    UserError,
    "expected an object",
  );
});

Deno.test("compare() summarizes several settings in one sentence, and refuses runs without pairs", () => {
  const runs = [64, 128].flatMap((T) =>
    simulatePairs({ simulation: T, pairs: 5, steps: 60, chance: 0.001, effect: () => T === 128 ? 0.1 : 0 })
      .flatMap(({ baseline, other }) => [baseline, other])
      .map((run) => ({ ...run, manifest: { ...run.manifest, spec: { ...run.manifest.spec, T } } }))
  );
  const { sentence, verdicts, groups } = compare(runs);
  assertEquals([verdicts.map(({ kind }) => kind), groups.length], [["stable", "degraded"], 2]);
  assertMatch(
    sentence,
    /^bf16-autocast against float32 in 2 settings: degraded in 1, stable in 1; the largest gap is \+0\.\d+ ± 0\.000\d+ nats \(character, T = 128\)\.$/,
  );
  assertThrows(() => compare([]), RangeError, "got 0 runs without such a pair");
  assertThrows(() => compare(runs, { level: 2 }), RangeError, "level");
});

Deno.test("plan() predicts a sweep's runs, and counts existing ones", async () => {
  const dir = join(root, "planned"), lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const before = await plan(spec, { dir, workers: 1, print });
  assertEquals(before.runs.map(({ state }) => state), ["new", "new", "new", "new"]);
  assert(before.runs.every(({ seconds, bytes }) => seconds! > 0 && bytes! > 0));
  assert(before.seconds > 0 && before.bytes > 0);
  assertMatch(lines.join("\n"), /measuring 2 of 2 step shapes/);
  assertThrows(() => Deno.statSync(dir), Deno.errors.NotFound);
  const runs = await sweep(spec, { dir, workers: 2, ...quiet });
  const after = await plan(spec, { dir, print });
  assertEquals(after.runs.map(({ id }) => id).sort(), runs.map(({ manifest }) => manifest.runId).sort());
  assertEquals([after.seconds, after.bytes, after.runs.map(({ state }) => state)], [
    ...[0, 0],
    Array(4).fill("finished"),
  ]);
  assertMatch(after.text, /4 runs, finished in .* already: nothing left to run$/);
  await assertRejects(() => plan({ ...spec, lr: -1 }), UserError, "the object given to plan()");
});

Deno.test("compareFolder(), report() and exportRuns() write the files of their commands", async () => {
  const dir = join(root, "planned");
  const lines: string[] = [];
  const compared = await compareFolder(dir, { tolerance: 1, print: (line) => void lines.push(line) });
  assertEquals(lines, [compared.text]);
  assertEquals([compared.verdicts[0]!.kind, compared.culprits, compared.leftOut], ["stable", [], []]);
  assertEquals(compared.report, join(dir, "report.html"));
  assertMatch(Deno.readTextFileSync(join(dir, "compare.json")), /"losskit-compare\/2"/);
  const { path, figures, text } = await report(dir, { figures: "svg" });
  assertMatch(text, /bf16-autocast/);
  assertMatch(Deno.readTextFileSync(figures[0]!), /^<svg/);
  assert(Deno.statSync(path).isFile && Deno.statSync(join(dir, "table.parquet")).isFile);
  const { files, leftOut } = exportRuns(dir, { formats: ["parquet", "arrow"] });
  assertEquals([files.length, leftOut], [6, []]);
  assert(files.every((file) => Deno.statSync(file).isFile));
  const second = join(root, "second sweep");
  writeSyntheticRun(second, { losses: [3, 2] });
  await assertRejects(() => report([dir, second]), UserError, "expected a file for the joint report");
  await assertRejects(() => compareFolder(join(root, "none")), UserError, "Cannot read the sweep");
});

Deno.test("verifyResume() verifies a spec, and rejects invalid ones", async () => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const one = { ...spec, seeds: [1], policy: ["off"] as const };
  const checkpoints = { steps: 200, evalEvery: 100, checkpointEvery: 20 };
  const { problems, kills, resumed, sentence, dir } = await verifyResume({ ...one, ...checkpoints }, {
    ...{ kills: 0, workers: 1, print },
  });
  // Without a kill at a random time, a kill follows a checkpoint.
  assertEquals([problems, kills, resumed], [[], 1, 1]);
  assertEquals(
    sentence,
    "identical: 1 kill in 1 sweep changed nothing; killed runs resumed 1 time from a checkpoint",
  );
  await assertRejects(
    () => verifyResume({ ...one, checkpointEvery: 50 }, { print }),
    UserError,
    "expected checkpointEvery below the steps of a run, got 50 with 3 steps",
  );
  assertThrows(() => Deno.statSync(dir), Deno.errors.NotFound);
  await assertRejects(() => verifyResume(spec, { dir: root }), UserError, "got a folder with files");
});

Deno.test("recordRun() records one run and resumes it from its folder", async () => {
  const dir = join(root, "one");
  const run = { data, T: 16, B: 4, steps: 3, nLayer: 1, nHead: 1, nEmbd: 16, evalTokens: 64, seed: 2 };
  const first = await recordRun(run, { dir, threads: 1, signal: AbortSignal.abort() });
  assertEquals([first.finished, first.exitCode], [0, 75]);
  const { finished, plan: { runs: [planned] } } = await recordRun({}, { dir, resume: true });
  assertEquals([finished, planned!.spec.seed, planned!.spec.warmupSteps], [1, 2, 0]);
  assertMatch(await describeRun({ ...run, nHead: 2 }, { dir }), /2 heads of 8/);
  await assertRejects(() => recordRun({ ...run, seed: 3 }, { dir }), UserError, "got another plan");
});
