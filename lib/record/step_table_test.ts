import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { type SyntheticRun, writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import { seal, UNSEALED } from "./_seal.ts";
import { STEP_FORM } from "./column_types.ts";
import { stepColumns } from "./columns.ts";
import { JournalWriter, readJournal } from "./journal.ts";
import { encodeParquet, openParquet, parquetText } from "./parquet.ts";
import { runPaths } from "./run_folder.ts";
import { readRuns } from "./sweep_records.ts";
import { readStepColumns, stepTablePath, tabulateRuns } from "./step_table.ts";
import { editRecord, editRun } from "../../tests/support/edit_record.ts";

const RUNS: SyntheticRun[] = [
  { losses: [3, NaN, Infinity, -Infinity, 2.5] },
  { losses: [3.25, 1 / 3], spec: { seed: 2, policy: "bf16-autocast" } },
  { losses: [], spec: { seed: 3 }, end: "none" },
];

/** Runs a test in a folder with {@linkcode RUNS}. */
async function withSweep(test: (dir: string, runs: string[]) => Promise<void>): Promise<void> {
  const dir = Deno.makeTempDirSync();
  try {
    await test(dir, RUNS.map((run) => writeSyntheticRun(dir, run)));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** Changes the losses in a table, to detect reads of the table. */
function doctor(dir: string): void {
  const source = parquetText(openParquet(stepTablePath(dir)), "losskit")!;
  const columns = stepColumns(readRuns(dir));
  const doctored = { ...columns, loss: columns.loss.map(() => 1234) };
  const metadata = { losskit: source, "losskit-sha256": UNSEALED };
  Deno.writeFileSync(stepTablePath(dir), seal(encodeParquet([{ ...doctored }], STEP_FORM, metadata)));
}

/** Returns true if reads of a folder use its changed table, and false if they use its journals. */
async function readsTable(dir: string): Promise<boolean> {
  const read = await readStepColumns(dir, { note: () => {} });
  const fromJournals = stepColumns(readRuns(dir));
  if (read.loss.every((loss) => loss === 1234) && read.loss.length > 0) return true;
  assertEquals(read, fromJournals);
  return false;
}

/** Age in milliseconds from which file times are reliable. The clock of a file system may be coarse. */
const SETTLING = 3100;

Deno.test("tabulateRuns() writes a table equal to the journals, and keeps a current table", async () => {
  await withSweep(async (dir) => {
    assertEquals(tabulateRuns(dir).runs, readRuns(dir));
    assertEquals(await readStepColumns(dir), stepColumns(readRuns(dir)));
    doctor(dir);
    const before = Deno.readFileSync(stepTablePath(dir));
    tabulateRuns(dir);
    assertEquals(Deno.readFileSync(stepTablePath(dir)), before);
    assert(await readsTable(dir));
  });
});

Deno.test("readStepColumns() ignores a deleted, truncated or foreign table, or a folder in its place", async () => {
  await withSweep(async (dir) => {
    const path = stepTablePath(dir);
    tabulateRuns(dir);
    const whole = Deno.readFileSync(path);
    for (let length = 0; length < whole.length; length += 97) {
      Deno.writeFileSync(path, whole.subarray(0, length));
      assert(!await readsTable(dir), `cut to ${length} bytes`);
    }
    Deno.writeFileSync(path, encodeParquet([{ run: ["a"] }], STEP_FORM));
    assert(!await readsTable(dir));
    Deno.writeFileSync(path, encodeParquet([{ run: ["a"] }], STEP_FORM, { losskit: "{}" }));
    assert(!await readsTable(dir));
    Deno.removeSync(path);
    assert(!await readsTable(dir));
    Deno.mkdirSync(path);
    assert(!await readsTable(dir));
    const error = assertThrows(() => tabulateRuns(dir, { note: () => {} }), UserError);
    assertStringIncludes(error.message, `Cannot write ${path}`);
  });
});

Deno.test("tabulateRuns() detects, reports and replaces a table with any flipped bit", async () => {
  await withSweep(async (dir) => {
    const path = stepTablePath(dir);
    tabulateRuns(dir);
    doctor(dir); // reads of the table become visible
    const whole = Deno.readFileSync(path);
    const wanted = stepColumns(readRuns(dir));
    assert(await readsTable(dir));
    const bits = 8 * whole.length, end = bits - 8 * 64;
    // All bits of the end, and a sample of the bits before it.
    for (let bit = 0; bit < bits; bit += bit < end ? 37 : 1) {
      const flipped = whole.slice();
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      Deno.writeFileSync(path, flipped);
      const notes: string[] = [];
      assertEquals(await readStepColumns(dir, { note: (line) => notes.push(line) }), wanted, `bit ${bit}`);
      assertEquals(notes.length, 1, `bit ${bit} of ${bits}`);
      assertStringIncludes(notes[0]!, `${path} is damaged: `);
    }
    const notes: string[] = [];
    tabulateRuns(dir, { note: (line) => notes.push(line) });
    assertEquals(notes.length, 1);
    assertEquals(await readStepColumns(dir, { note: (line) => notes.push(line) }), wanted);
    assertEquals(notes.length, 1, "it is whole again");
  });
});

Deno.test("readStepColumns() reports a folder in place of the table in one sentence", async () => {
  await withSweep(async (dir) => {
    const path = stepTablePath(dir), notes: string[] = [];
    Deno.mkdirSync(path);
    assertEquals(
      await readStepColumns(dir, { note: (line) => notes.push(line) }),
      stepColumns(readRuns(dir)),
    );
    assertEquals(notes, [
      `note: ${path} is damaged: Cannot read ${path}: expected a regular file, got a folder. Replace it by a file. ` +
      "The journals are used instead.",
    ]);
  });
});

Deno.test("tabulateRuns() silently replaces a table of version 0.1, which has no checksum", async () => {
  await withSweep((dir) => {
    tabulateRuns(dir);
    const source = parquetText(openParquet(stepTablePath(dir)), "losskit")!.replace("table/2", "table/1");
    const bytes = encodeParquet([{ ...stepColumns(readRuns(dir)) }], STEP_FORM, { losskit: source });
    Deno.writeFileSync(stepTablePath(dir), bytes);
    const notes: string[] = [];
    tabulateRuns(dir, { note: (line) => notes.push(line) });
    assertStringIncludes(parquetText(openParquet(stepTablePath(dir)), "losskit")!, "losskit-table/2");
    assertEquals(notes, []);
    return Promise.resolve();
  });
});

/** Changes of a folder that make its table stale. */
const CHANGES: Record<string, (dir: string, runs: string[]) => void> = {
  "a step more": (_dir, [run]) => {
    const { journal } = runPaths(run!);
    using writer = new JournalWriter(journal, readJournal(journal).validBytes);
    writer.write({ event: "resume", step: 5 });
    writer.write({ event: "step", step: 6, loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1 });
  },
  "a digit changed, and the time put back": (_dir, [run]) => {
    const { journal } = runPaths(run!);
    const { mtime } = Deno.statSync(journal);
    editRecord(journal, (text) => text.replace('"loss":2.5', '"loss":2.6'));
    Deno.utimeSync(journal, mtime!, mtime!);
  },
  "a half-written line": (_dir, [run]) => {
    Deno.writeTextFileSync(runPaths(run!).journal, '{"event":', { append: true });
  },
  "a journal lost": (_dir, [run]) => Deno.removeSync(runPaths(run!).journal),
  "a run more": (dir) => void writeSyntheticRun(dir, { losses: [1], spec: { seed: 9 } }),
  "a run fewer": (_dir, [run]) => Deno.removeSync(run!, { recursive: true }),
  "a run in the place of another": (dir, [run]) => {
    Deno.removeSync(run!, { recursive: true });
    writeSyntheticRun(dir, { losses: [1], spec: { seed: 9 } });
  },
  "another spec in a manifest": (_dir, [run]) => {
    editRun(run!, ({ spec }) => Object.assign(spec!, { T: 65 }));
  },
  "another machine in a manifest": (_dir, [run]) => {
    editRecord(runPaths(run!).manifest, (text) => text.replace('"cores": 2', '"cores": 3'));
  },
};

Deno.test("readStepColumns() ignores a stale table, recent or settled", async (t) => {
  const root = Deno.makeTempDirSync();
  const cases = Object.entries(CHANGES).flatMap(([name, change]) =>
    [false, true].map((settled) => {
      const dir = join(root, `${name} ${settled}`);
      return { name, change, settled, dir, runs: RUNS.map((run) => writeSyntheticRun(dir, run)) };
    })
  );
  try {
    for (const { dir, settled } of cases) if (!settled) tabulateRuns(dir);
    await new Promise((resolve) => setTimeout(resolve, SETTLING));
    for (const { name, change, settled, dir, runs } of cases) {
      await t.step(`${name}, ${settled ? "settled" : "at once"}`, async () => {
        if (settled) tabulateRuns(dir);
        const source = parquetText(openParquet(stepTablePath(dir)), "losskit")!;
        assertStringIncludes(source, `"settled":${settled}`);
        doctor(dir);
        assert(await readsTable(dir));
        change(dir, runs);
        assert(!await readsTable(dir));
        tabulateRuns(dir);
        assertEquals(await readStepColumns(dir), stepColumns(readRuns(dir)));
      });
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("readStepColumns() uses the table of a moved or copied folder", async () => {
  await withSweep(async (dir) => {
    tabulateRuns(dir);
    doctor(dir);
    const copy = Deno.makeTempDirSync();
    try {
      const { success } = await new Deno.Command("cp", { args: ["-r", `${dir}/.`, copy] }).output();
      assert(success);
      assert(await readsTable(copy)); // other times, equal content
      Deno.renameSync(copy, `${copy}-moved`);
      assert(await readsTable(`${copy}-moved`));
    } finally {
      Deno.removeSync(`${copy}-moved`, { recursive: true });
    }
  });
});

Deno.test("tabulateRuns() writes an empty table for runs without steps", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(join(dir, "runs"));
    assertEquals(tabulateRuns(dir).runs, []);
    assertEquals((await readStepColumns(dir)).run, []);
    writeSyntheticRun(dir, { losses: [], end: "none" });
    tabulateRuns(dir);
    assertEquals((await readStepColumns(dir)).step, new Int32Array());
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
