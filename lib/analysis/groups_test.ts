import { assertEquals, assertMatch } from "@std/assert";
import {
  recordRuns as record,
  type SyntheticRun,
  writeSyntheticRun,
} from "../../tests/support/synthetic_runs.ts";
import { readRun, type RecordedRun } from "../record/mod.ts";
import { otherSeeds, pairGroups, pairNotes, pairProblem } from "./groups.ts";

function recordOne(run: Partial<SyntheticRun>): RecordedRun {
  const dir = Deno.makeTempDirSync();
  try {
    return readRun(writeSyntheticRun(dir, { losses: [3, 2], evals: [{ step: 2, loss: 2 }], ...run }));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("pairGroups() groups pairs by setting and lower precision, and omits unfinished pairs", () => {
  const runs: SyntheticRun[] = [];
  for (const T of [32, 64]) {
    for (const seed of [3, 1, 2]) {
      for (const policy of ["float32", "bf16-autocast", "bf16-keras"]) {
        const end = seed === 2 && policy === "bf16-keras" ? "none" : "finish";
        runs.push({ losses: [3, 2], spec: { T, seed, policy }, end });
      }
    }
  }
  runs.push({ losses: [3, 2], spec: { T: 32, seed: 9 } });
  const groups = pairGroups(record(runs));
  assertEquals(
    groups.map(({ setting, pairs, seeds, unfinished }) => [
      setting,
      pairs[0]!.other.manifest.spec.policy,
      pairs.map(({ other }) => other.manifest.spec.seed),
      seeds.length,
      unfinished,
    ]),
    [
      ["character, T = 32", "bf16-autocast", [1, 2, 3], 4, 0],
      ["character, T = 32", "bf16-keras", [1, 3], 4, 1],
      ["character, T = 64", "bf16-autocast", [1, 2, 3], 3, 0],
      ["character, T = 64", "bf16-keras", [1, 3], 3, 1],
    ],
  );
  assertEquals(pairGroups([]), []);
});

Deno.test("pairGroups() names the fields that differ between groups", () => {
  const runs = [1e-3, 1e-2].flatMap((lr) =>
    ["float32", "bf16-autocast"].map((policy) => ({ losses: [1], spec: { lr, policy } }))
  );
  assertEquals(pairGroups(record(runs)).map(({ setting }) => setting).sort(), [
    "character, T = 64, lr = 0.001",
    "character, T = 64, lr = 0.01",
  ]);
});

Deno.test("pairProblem() accepts runs that differ only in precision, only in seed, or not at all", () => {
  const run = recordOne({});
  for (const spec of [{}, { policy: "bf16-autocast" }, { seed: 2 }]) {
    assertEquals(pairProblem(run, recordOne({ spec })), undefined);
  }
});

Deno.test("pairProblem() returns the field that prevents a pair", () => {
  const run = recordOne({});
  const wrong: [Partial<SyntheticRun>, RegExp][] = [
    [{ spec: { lr: 0.01, policy: "bf16-autocast" } }, /, got lr 0\.001 and 0\.01\.$/],
    [{ spec: { T: 32 } }, /, got T 64 and 32\.$/],
    [{ spec: { threads: 2 } }, /, got threads 1 and 2\.$/],
    [
      { spec: { seed: 2, policy: "x" } },
      /, got policy "float32" and "x", seed 1 and 2\.$/,
    ],
    [
      { spec: { data: "other" } },
      /^expected runs on the same text, got SHA-256 [0-9a-f]{64} \(shakespeare\) and /,
    ],
    [{ end: "none" }, /^expected finished runs, got unfinished for the second run, [0-9a-f]{12}\.$/],
    [{ end: { fail: "out of memory" } }, /got failed for the second run/],
  ];
  for (const [other, message] of wrong) assertMatch(pairProblem(run, recordOne(other))!, message);
});

Deno.test("pairNotes() reports different code and machines", () => {
  const run = recordOne({});
  assertEquals(pairNotes(run, recordOne({ spec: { seed: 2 } })), []);
  assertEquals(pairNotes(run, recordOne({ libSha256: "1".repeat(64), environment: { device: "a GPU" } })), [
    "different versions of lib/ made the two runs",
    "device differs: cpu and a GPU",
  ]);
});

Deno.test("otherSeeds() returns one finished run per other seed in the same precision", () => {
  const run = recordOne({});
  const among = [
    ...record([
      { losses: [3, 2], spec: { seed: 2 } },
      { losses: [3, 2], spec: { seed: 3 } },
      { losses: [3, 2], spec: { seed: 4 }, end: "none" },
      { losses: [3, 2], spec: { seed: 5, policy: "bf16-autocast" } },
      { losses: [3, 2], spec: { seed: 6, lr: 1 } },
    ]),
    run,
    recordOne({ spec: { seed: 2 } }),
  ];
  const seeds = otherSeeds(run, among, [1]).map(({ manifest }) => manifest.spec.seed);
  assertEquals(seeds.sort(), [2, 3]);
});
