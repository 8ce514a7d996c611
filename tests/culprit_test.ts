// @heavy
/**
 * Planted faults: runs are trained with one softmax, or one class of operations, at a single mantissa bit. `compare` must find
 * the culprit from both directions, by replaying a step and by training.
 */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { readRuns, runFolder } from "../lib/record/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

/** Writes a spec of paired runs in float32 and bf16-autocast, with overrides in the lower precision. */
async function specOf(
  name: string,
  spec: { overrides: Record<string, unknown>[]; seeds: number[] },
): Promise<string> {
  const path = join(root, `${name}.json`);
  const small = {
    seq: [16],
    vocab: ["character"],
    steps: 60,
    tokensPerStep: 256,
    nLayer: 2,
    nHead: 2,
    nEmbd: 32,
    floor: 0,
  };
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      ...{ name, data: text, policy: ["float32", "bf16-autocast"], seeds: spec.seeds, ...small },
      ...{ lr: 3e-3, minLr: 3e-4, warmupSteps: 5, evalEvery: 60, evalTokens: 2048, checkpointEvery: 60 },
      when: [{ if: { policy: "bf16-autocast" }, set: { overrides: spec.overrides } }],
    }),
  );
  return path;
}

/** Returns the culprits in the `compare.json` of a folder. */
async function culpritsOf(dir: string) {
  return JSON.parse(await Deno.readTextFile(join(dir, "compare.json"))).culprits;
}

Deno.test("compare finds a planted softmax by replaying a step, from both directions", async () => {
  const spec = await specOf("softmax", {
    seeds: [1, 2],
    overrides: [{ layers: ["h.1"], opClasses: ["softmax"], format: "e8m1" }],
  });
  const dir = join(root, "softmax");
  const { code, stdout, stderr } = await runTask("compare", [spec, "--out", dir, "--culprit", "replay"]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /replaying step 61 on 8 batches from float32's weights, at most \d+ times/);
  assertMatch(stdout, /The culprit is softmax of h\.1: lowered alone it makes \d+ % of the squared error/);
  const [culprit] = await culpritsOf(dir);
  const wanted = [{ layers: ["h.1"], opClass: "softmax" }];
  assertEquals([culprit.signal, culprit.search.lowered.parts, culprit.search.returned.parts], [
    "replay",
    wanted,
    wanted,
  ]);
  assertLess(culprit.search.returned.share, 0.2);
  assertStringIncludes(stdout, culprit.sentence);
  assert(culprit.biases.length > 0);
});

Deno.test("compare finds a planted class by training, keeps the trials, and reuses them", async () => {
  const spec = await specOf("residual", {
    seeds: [1, 2, 3],
    overrides: [{ layers: ["h.1"], opClasses: ["residual"], format: "e4m3" }],
  });
  const dir = join(root, "residual");
  const args = [spec, "--out", dir, "--culprit", "loss"];
  const { code, stdout, stderr } = await runTask("compare", args);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /at most \d+ trials of 3 runs each/);
  const [, culprit] = await culpritsOf(dir);
  const wanted = [{ layers: ["h.1"], opClass: "residual" }];
  assertEquals([culprit.signal, culprit.search.lowered.parts, culprit.search.returned.parts], [
    "loss",
    wanted,
    wanted,
  ]);
  const trials = readRuns(join(dir, "culprit"));
  assertEquals(trials.length, 3 * culprit.search.trials);
  assert(trials.every(({ status }) => status === "finished"));
  const journals = trials.map(({ events }) => JSON.stringify(events));
  const again = await runTask("compare", args);
  assertEquals([again.code, again.stdout], [0, stdout], again.stderr);
  assertEquals(readRuns(join(dir, "culprit")).map(({ events }) => JSON.stringify(events)), journals);
});

Deno.test("trained pairs: equal precisions, two seeds, and a diverged loss get their verdicts", async () => {
  const same = await specOf("same", { seeds: [1, 2, 3], overrides: [{ format: "float32" }] });
  const dir = join(root, "same");
  const { code, stdout, stderr } = await runTask("compare", [same, "--out", dir]);
  assertEquals(code, 0, stderr);
  assertMatch(
    stdout,
    /\nstable: the losses of bf16-autocast, =float32 and float32 are bit-identical in 3 pairs of runs; the gap is exactly 0\.\n/,
  );
  const float32 = readRuns(dir).filter(({ manifest }) => manifest.spec.policy === "float32")
    .map(({ manifest }) => runFolder(dir, manifest.runId));
  const seeds = await runTask("compare", [float32[0]!, float32[1]!]);
  assertMatch(
    seeds.stdout,
    /\nundecided: the runs differ in seed, not in precision: .* seeds 1 and 2 of float32 differ by/,
  );

  // The largest number with two exponent bits is 3.75, so sums on the residual stream overflow.
  const lost = await specOf("lost", {
    seeds: [1, 2],
    overrides: [{ opClasses: ["residual"], format: "e2m3" }],
  });
  const diverged = await runTask("compare", [lost, "--out", join(root, "lost"), "--culprit", "loss"]);
  assertEquals(diverged.code, 0, diverged.stderr);
  // Only a degraded loss has a culprit to search for.
  assertStringIncludes(
    diverged.stderr,
    "note: no search for a culprit: the verdict is diverged, not degraded",
  );
  assertEquals(await culpritsOf(join(root, "lost")), []);
  assertMatch(
    diverged.stdout,
    /\ndiverged at step \d+: bf16-autocast, residual=e2m3 \(emulated IEEE-style e2m3\) diverged in \d of 2 pairs .*, float32 in none\.\n/,
  );
});
