import { assertEquals } from "@std/assert";
import { recordRuns as record, SPEC, writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { JournalWriter, readJournal, readRuns, runPaths, tabulateRuns } from "../record/mod.ts";
import { pairRuns } from "./stability.ts";
import { median } from "./median.ts";
import { openStepTable, pairTable, runTable, stepTable, type Table } from "./tables.ts";

Deno.test("median() sorts by value, not by text", () => {
  assertEquals(median([10, 9, 100]), 10);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertEquals(median([]), NaN);
});

Deno.test("runTable() has one row per run, with the last and the best validation loss", () => {
  const runs = record([{
    losses: [3, NaN, 1],
    evals: [{ step: 0, loss: 4 }, { step: 1, loss: 1.5 }, { step: 3, loss: 2 }],
  }]);
  assertEquals(runTable(runs).objects(), [{
    run: runs[0]!.manifest.runId,
    data: SPEC.data,
    tokenizer: SPEC.tokenizer,
    T: 64,
    policy: "float32",
    seed: 1,
    status: "finished",
    steps: 3,
    valLoss: 2,
    bestValLoss: 1.5,
    bitsPerByte: 2 / Math.LN2,
    tokensPerSecond: 5001,
    spikes: 0,
    nonFinite: 1,
  }]);
});

Deno.test("runTable() has the largest recorded memory of each run, if a run records it", () => {
  const losses = [3, 2];
  const runs = record([
    { losses, evals: [{ step: 0, loss: 4, peakBytes: 5e8 }, { step: 2, loss: 2, peakBytes: 7e8 }] },
    { losses, evals: [{ step: 0, loss: 4 }], spec: { seed: 2 } },
  ]);
  assertEquals(
    runTable(runs).select("seed", "peakBytes").objects().map(Object.values).sort(),
    [[1, 7e8], [2, null]],
  );
});

Deno.test("runTable() and pairTable() have a column for each field in which runs differ, and name perturbed runs", () => {
  const losses = [3, 2], low = { policy: "bf16-autocast" };
  const llama = { architecture: "llama", norm: "rmsNorm", position: "rotary" } as const;
  const runs = record([
    ...[{}, low, { perturb: 1 }, { reorder: 2 }].map((spec) => ({ losses, spec })),
    ...[{}, low].map((spec) => ({
      losses,
      spec: { ...spec, ...llama, lr: 0.01, minLr: 1e-3, dropout: 0.1 },
    })),
    { losses, spec: { T: 32, B: 24 } }, // as many tokens per step: B follows from T
  ]);
  const at = (table: Table, columns: string[]) =>
    table.select(...columns).objects().map(Object.values).sort();
  const names = runTable(runs).columnNames();
  const shown = names.slice(names.indexOf("seed") + 1, names.indexOf("status"));
  assertEquals(
    shown,
    ["perturbation", "architecture", "dropout", "lr"].toSorted((a, b) => shown.indexOf(a) - shown.indexOf(b)),
  );
  assertEquals(
    at(runTable(runs), ["T", "policy", "perturbation", "lr", "architecture"]),
    [
      [32, "float32", "none", 1e-3, "gpt2"],
      [64, "bf16-autocast", "none", 1e-3, "gpt2"],
      [64, "bf16-autocast", "none", 0.01, "llama"],
      [64, "float32", "noise 1", 1e-3, "gpt2"],
      [64, "float32", "none", 1e-3, "gpt2"],
      [64, "float32", "none", 0.01, "llama"],
      [64, "float32", "order 2", 1e-3, "gpt2"],
    ].sort(),
  );
  assertEquals(
    at(pairTable(pairRuns(runs)), ["policy", "lr"]),
    [
      ["bf16-autocast", 1e-3],
      ["bf16-autocast", 0.01],
    ].sort(),
  );
  // A batch size that T does not determine is an axis of its own.
  const batches = record([{ losses }, { losses, spec: { B: 24 } }, { losses, spec: { T: 32 } }]);
  assertEquals(at(runTable(batches), ["T", "B"]), [[32, 12], [64, 12], [64, 24]]);
});

Deno.test("runTable() shows a diverged loss", () => {
  const runs = record([
    { losses: [3], evals: [{ step: 0, loss: 4 }, { step: 1, loss: NaN }] },
    { losses: [3], spec: { seed: 2 }, end: "none" },
  ]);
  const [diverged, none] = runTable(runs).objects() as Record<string, unknown>[];
  assertEquals([diverged!["valLoss"], diverged!["bestValLoss"]], [NaN, 4]);
  assertEquals([none!["valLoss"], none!["bestValLoss"], none!["status"]], [NaN, NaN, "unfinished"]);
});

Deno.test("pairTable() has one row per pair", () => {
  const evals = (loss: number) => [{ step: 2, loss }];
  const runs = record([
    { losses: [3, 2], evals: evals(2) },
    { losses: [3, NaN], evals: evals(2.5), spec: { policy: "bf16-autocast" } },
    { losses: [3, 2], evals: evals(2), spec: { seed: 2 } },
  ]);
  assertEquals(pairTable(pairRuns(runs), 0.1).objects(), [{
    data: SPEC.data,
    tokenizer: SPEC.tokenizer,
    T: 64,
    policy: "bf16-autocast",
    seed: 1,
    valGap: 0.5,
    finalGap: NaN,
    meanGap: 0,
    meanAbsGap: 0,
    largestGap: 0,
    largestAt: 1,
    firstBeyond: 2,
    baselineNonFinite: 0,
    nonFinite: 1,
    speed: 1,
  }]);
});

Deno.test("stepTable() has one row per step, with the last record of a repeated step", () => {
  const runs = record([{ losses: [3, 20], end: "none" }], (folder) => {
    const { journal } = runPaths(folder);
    using writer = new JournalWriter(journal, readJournal(journal).validBytes);
    writer.write({ event: "resume", step: 1 });
    writer.write({ event: "step", step: 2, loss: 2, lr: 1e-3, gradNorm: 1, tokensPerSecond: 1 });
  });
  const table = stepTable(runs);
  assertEquals(table.columnNames(), ["run", "step", "loss", "lr", "gradNorm", "tokensPerSecond"]);
  assertEquals([...table.array("step")], [1, 2]);
  assertEquals([...table.array("loss")], [3, 2]);
});

Deno.test("openStepTable() reads the same table from journals and from table.parquet", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    writeSyntheticRun(dir, { losses: [3, NaN, 1] });
    const wanted = stepTable(readRuns(dir)).objects();
    assertEquals((await openStepTable(dir)).objects(), wanted);
    tabulateRuns(dir);
    assertEquals((await openStepTable(dir)).objects(), wanted);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("tables of an empty sweep have columns and no rows", () => {
  for (const table of [runTable([]), pairTable([]), stepTable([])]) {
    assertEquals(table.numRows(), 0);
    assertEquals(table.columnNames().includes("tokenizer") || table.columnNames().includes("step"), true);
  }
});
