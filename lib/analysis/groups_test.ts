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

Deno.test("pairGroups() parts pairs by setting and by lower precision, and leaves out what is not finished", () => {
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

Deno.test("pairGroups() names the fields that part its groups", () => {
  const runs = [1e-3, 1e-2].flatMap((lr) =>
    ["float32", "bf16-autocast"].map((policy) => ({ losses: [1], spec: { lr, policy } }))
  );
  assertEquals(pairGroups(record(runs)).map(({ setting }) => setting).sort(), [
    "character, T = 64, lr = 0.001",
    "character, T = 64, lr = 0.01",
  ]);
});

Deno.test("pairProblem() lets runs pass that differ in precision alone, in seed alone, or not at all", () => {
  const run = recordOne({});
  for (const spec of [{}, { policy: "bf16-autocast" }, { seed: 2 }]) {
    assertEquals(pairProblem(run, recordOne({ spec })), undefined);
  }
});

Deno.test("pairProblem() returns the field that prevents a pair", () => {
  const run = recordOne({});
  const wrong: [Partial<SyntheticRun>, RegExp][] = [
    [{ spec: { lr: 0.01, policy: "bf16-autocast" } }, /lr is 0\.001 in the first and 0\.01 in the second/],
    [{ spec: { T: 32 } }, /T is 64 in the first and 32 in the second/],
    [{ spec: { threads: 2 } }, /threads is 1 in the first and 2/],
    [
      { spec: { seed: 2, policy: "x" } },
      /policy is "float32" in the first and "x" in the second, and seed is 1/,
    ],
    [{ spec: { data: "other" } }, /of the same text: the SHA-256 of shakespeare is/],
    [{ end: "none" }, /both must be finished: the second one, [0-9a-f]{12}, is unfinished/],
    [{ end: { fail: "out of memory" } }, /is failed/],
  ];
  for (const [other, message] of wrong) assertMatch(pairProblem(run, recordOne(other))!, message);
});

Deno.test("pairNotes() reports different code and machines", () => {
  const run = recordOne({});
  assertEquals(pairNotes(run, recordOne({ spec: { seed: 2 } })), []);
  assertEquals(pairNotes(run, recordOne({ libSha256: "1".repeat(64), environment: { device: "a GPU" } })), [
    "they were made by different versions of the code in lib/",
    "device is cpu in the first and a GPU in the second",
  ]);
});

Deno.test("otherSeeds() are finished runs of other seeds in the same precision, one a seed", () => {
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
