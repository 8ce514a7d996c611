import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import { JournalWriter, readJournal } from "./journal.ts";
import { placeProblem, readRun, runPaths } from "./run_folder.ts";

function withFolder(use: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    use(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("readRun() distinguishes finished, failed and unfinished runs", () => {
  withFolder((dir) => {
    const status = (seed: number, end: "finish" | "none" | { fail: string }) =>
      readRun(writeSyntheticRun(dir, { spec: { seed }, losses: [2, 1], end })).status;
    assertEquals(status(1, "finish"), "finished");
    assertEquals(status(2, "none"), "unfinished");
    assertEquals(status(3, { fail: "no memory" }), "failed");
  });
});

Deno.test("readRun() treats a resumed failed run as unfinished", () => {
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

Deno.test("readRun() warns of an incomplete last line, with the journal's path", () => {
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

Deno.test("placeProblem() refuses a path that no file can have", () => {
  withFolder((dir) => {
    Deno.mkdirSync(join(dir, "runs"));
    const path = join(dir, "runs", "x".repeat(5000));
    assertThrows(() => placeProblem(path), UserError, `Cannot read ${path}: File name too long`);
  });
});

Deno.test("readRun() and placeProblem() refuse checkpoints and tokenizers that are not files, also outside of a sweep", () => {
  const kinds: Record<string, { make: (path: string) => void; got: string }> = {
    folder: { make: (path) => Deno.mkdirSync(path), got: "a folder" },
    link: { make: (path) => Deno.symlinkSync(".", path), got: "a folder" },
    pipe: {
      make: (path) => assertEquals(new Deno.Command("mkfifo", { args: [path] }).outputSync().code, 0),
      got: "a device or pipe",
    },
  };
  withFolder((dir) => {
    const inSweep = writeSyntheticRun(dir, { losses: [2, 1], end: "finish" }), alone = join(dir, "alone");
    Deno.mkdirSync(alone);
    for (const { name } of Deno.readDirSync(inSweep)) {
      Deno.copyFileSync(join(inSweep, name), join(alone, name));
    }
    for (const folder of [inSweep, alone]) {
      const { checkpoint, best, tokenizer } = runPaths(folder);
      for (const place of [checkpoint, best, tokenizer]) {
        for (const { make, got } of Object.values(kinds)) {
          assertEquals(readRun(folder).status, "finished");
          make(place);
          const told = `Cannot read ${place}: expected a regular file, got ${got}.`;
          assertThrows(() => readRun(folder), UserError, told);
          assertEquals(placeProblem(folder)?.startsWith(told), true);
          Deno.removeSync(place);
        }
      }
    }
  });
});
