/**
 * A sweep and its comparison, each as one call of the library.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { compare, sweep, type SweepSpecInput } from "../lib/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { sampleText } from "./support/commands.ts";
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

Deno.test("sweep() runs a spec with short names and returns its runs; again it returns them at once", async () => {
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
  assert(comparison.figures().length >= 3);
});

Deno.test("sweep() throws where it cannot work, and stops at a signal", async () => {
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

Deno.test("compare() says in one sentence what several settings come to, and refuses runs without pairs", () => {
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
