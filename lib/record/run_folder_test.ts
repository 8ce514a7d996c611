import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "node:path";
import { writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import { takeClaim } from "./claim.ts";
import { JournalWriter, readJournal } from "./journal.ts";
import { leftOutRuns, readRun, readRuns, runFolder, runPaths } from "./run_folder.ts";

function withFolder(use: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    use(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("readRun() tells finished, failed and unfinished runs apart", () => {
  withFolder((dir) => {
    const status = (seed: number, end: "finish" | "none" | { fail: string }) =>
      readRun(writeSyntheticRun(dir, { spec: { seed }, losses: [2, 1], end })).status;
    assertEquals(status(1, "finish"), "finished");
    assertEquals(status(2, "none"), "unfinished");
    assertEquals(status(3, { fail: "no memory" }), "failed");
  });
});

Deno.test("readRun() takes a failed run that went on for unfinished", () => {
  withFolder((dir) => {
    const folder = writeSyntheticRun(dir, { losses: [2, 1], end: { fail: "no memory" } });
    const { journal } = runPaths(folder);
    {
      using writer = new JournalWriter(journal, readJournal(journal).validBytes);
      writer.write({ event: "resume", step: 1 });
    }
    assertEquals(readRun(folder).status, "unfinished");
  });
});

Deno.test("readRun() warns of a half-written last line, and names the journal", () => {
  withFolder((dir) => {
    const folder = writeSyntheticRun(dir, { losses: [2, 1] });
    const { journal } = runPaths(folder);
    assertEquals(readRun(folder).warnings, []);
    Deno.truncateSync(journal, Deno.statSync(journal).size - 5);
    const run = readRun(folder);
    assertEquals(run.status, "unfinished");
    assertEquals(run.warnings, [`${journal}: dropped a half-written last line`]);
  });
});

Deno.test("readRuns() orders by data, tokenizer, T, policy and seed, as numbers", () => {
  withFolder((dir) => {
    const specs = [
      { T: 64, seed: 10 },
      { T: 128, seed: 1 },
      { T: 64, seed: 9 },
      { T: 64, seed: 9, policy: "bf16-autocast" },
      { T: 64, seed: 9, tokenizer: "bpe:512" },
      { T: 64, seed: 9, data: "another.txt" },
    ];
    for (const spec of specs) writeSyntheticRun(dir, { spec, losses: [1] });
    Deno.mkdirSync(join(dir, "runs", "not-begun"));
    Deno.writeTextFileSync(join(dir, "runs", "notes.txt"), "");
    const found = readRuns(dir).map(({ manifest: { spec } }) =>
      [spec.data, spec.tokenizer, spec.T, spec.policy, spec.seed].join(" ")
    );
    assertEquals(found, [
      "another.txt character 64 float32 9",
      "shakespeare bpe:512 64 float32 9",
      "shakespeare character 64 bf16-autocast 9",
      "shakespeare character 64 float32 9",
      "shakespeare character 64 float32 10",
      "shakespeare character 128 float32 1",
    ]);
  });
});

Deno.test("readRuns() refuses a folder without runs, and a damaged one by its file and line", () => {
  withFolder((dir) => {
    assertThrows(() => readRuns(dir), UserError, "wanted a folder with runs in it");
    const { journal } = runPaths(writeSyntheticRun(dir, { losses: [2, 1] }));
    Deno.writeTextFileSync(journal, `{}\n${Deno.readTextFileSync(journal)}`);
    assertThrows(() => readRuns(dir), UserError, `${journal}, line 1:`);
  });
});

Deno.test("leftOutRuns() names what readRuns() passes over, and why, but for what has only just begun", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    writeSyntheticRun(dir, { losses: [1] });
    Deno.writeTextFileSync(`${dir}/runs/no folder`, "");
    assertEquals(leftOutRuns(dir), []);
    Deno.removeSync(runPaths(writeSyntheticRun(dir, { losses: [1], spec: { seed: 2 } })).manifest);
    for (const id of ["0".repeat(12), "1".repeat(12)]) Deno.mkdirSync(runFolder(dir, id));
    using _claim = await takeClaim(runPaths(runFolder(dir, "1".repeat(12))).claim);
    const [ended, lost, ...others] = leftOutRuns(dir);
    assertEquals([readRuns(dir).length, others], [1, []]);
    assertMatch(ended!, /^run 0{12} is left out: its folder has no manifest.json: it was ended before/);
    assertMatch(lost!, /^run [0-9a-f]{12} is left out: its folder has no manifest.json: the file is lost/);
    const run = runFolder(dir, readRuns(dir)[0]!.manifest.runId);
    assertThrows(() => readRuns(run), UserError, `which is a run's folder: its sweep's is ${dir}`);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
