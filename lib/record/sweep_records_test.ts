import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { basename, join } from "node:path";
import { editRecord } from "../../tests/support/edit_record.ts";
import { writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { writeNote } from "./note.ts";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import { takeClaim } from "./claim.ts";
import { readRun, runFolder, runPaths } from "./run_folder.ts";
import { listRuns, readRuns, readSweep } from "./sweep_records.ts";

/** Runs a test in a temporary folder. */
async function withFolder(test: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    await test(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("readRuns() orders by data, tokenizer, T, policy and seed, numerically", async () => {
  await withFolder((dir) => {
    const specs = [
      { T: 64, seed: 10 },
      { T: 128, seed: 1 },
      { T: 64, seed: 9 },
      { T: 64, seed: 9, policy: "bf16-autocast" },
      { T: 64, seed: 9, tokenizer: "bpe:1000" },
      { T: 64, seed: 9, tokenizer: "bpe:512" },
      { T: 64, seed: 9, data: "another.txt" },
    ];
    for (const spec of specs) writeSyntheticRun(dir, { spec, losses: [1] });
    Deno.mkdirSync(join(dir, "runs", "not-a-run"));
    Deno.writeTextFileSync(join(dir, "runs", "notes.txt"), "");
    const found = readRuns(dir).map(({ manifest: { spec } }) =>
      [spec.data, spec.tokenizer, spec.T, spec.policy, spec.seed].join(" ")
    );
    assertEquals(found, [
      "another.txt character 64 float32 9",
      "shakespeare bpe:512 64 float32 9",
      "shakespeare bpe:1000 64 float32 9",
      "shakespeare character 64 bf16-autocast 9",
      "shakespeare character 64 float32 9",
      "shakespeare character 64 float32 10",
      "shakespeare character 128 float32 1",
    ]);
  });
});

Deno.test("readRuns() refuses a folder without runs, and reports the file and line of a damaged run", async () => {
  await withFolder((dir) => {
    assertThrows(() => readRuns(dir), UserError, "expected a folder with runs");
    const { journal } = runPaths(writeSyntheticRun(dir, { losses: [2, 1] }));
    Deno.writeTextFileSync(journal, `{}\n${Deno.readTextFileSync(journal)}`);
    assertThrows(() => readRuns(dir), UserError, `${journal}, line 1:`);
    assertThrows(
      () => readRuns(join(dir, "runs", "0".repeat(12))),
      UserError,
      "expected a folder with runs",
    );
  });
});

Deno.test("readSweep() reads all runs except damaged ones, and reports the reason for each", async () => {
  await withFolder(async (dir) => {
    const [whole, journal, manifest, lost, named] = [1, 2, 3, 4, 5].map((seed) =>
      runPaths(writeSyntheticRun(dir, { losses: [2, 1], spec: { seed } }))
    ) as [Paths, Paths, Paths, Paths, Paths];
    editRecord(journal.journal, (text) => text.replace('"step":1', '"step":7'));
    Deno.writeTextFileSync(manifest.manifest, "{");
    Deno.removeSync(lost.manifest);
    const other = runFolder(dir, "a".repeat(12));
    Deno.renameSync(named.folder, other);
    const [ended, starting, file, full] = ["0", "1", "2", "3"].map((digit) =>
      runFolder(dir, digit.repeat(12))
    );
    for (
      const folder of [ended!, starting!, full!, join(dir, "runs", "notes"), join(dir, "runs", ".merge-1")]
    ) {
      Deno.mkdirSync(folder);
    }
    Deno.writeTextFileSync(file!, "");
    Deno.writeTextFileSync(runPaths(full!).journal, ""); // as if the disk was full before the manifest
    Deno.writeTextFileSync(join(dir, "runs", "notes.txt"), "");
    using _claim = await takeClaim(runPaths(starting!).claim);
    const { runs, leftOut } = readSweep(dir);
    assertEquals(runs, [readRun(whole.folder)]);
    const reasons: Record<string, [boolean, RegExp]> = {
      [idOf(journal)]: [true, /journal.jsonl, line 2: expected an event, .*: expected step 1 after step 0/],
      [idOf(manifest)]: [true, /^Cannot read .*manifest.json/],
      [idOf(lost)]: [true, /^its folder has no manifest.json: the file is lost/],
      ["a".repeat(12)]: [
        true,
        new RegExp(`expected the manifest of this run, got that of run ${idOf(named)}`),
      ],
      ["0".repeat(12)]: [false, /^its folder has no manifest.json: the run ended before its first step/],
      ["3".repeat(12)]: [false, /^its folder has no manifest.json: the run ended before its first step/],
      ["2".repeat(12)]: [true, /2{12} is not a folder$/],
      notes: [false, /^its name is not a run ID/],
    };
    assertEquals(leftOut.map(({ id }) => id).sort(), Object.keys(reasons).sort());
    for (const { id, reason, damaged } of leftOut) {
      assertMatch(reason, reasons[id]![1]);
      assertEquals(damaged, reasons[id]![0], id);
    }
    assertThrows(
      () => readRuns(whole.folder),
      UserError,
      `got a run's folder. Use the sweep's folder ${dir}`,
    );
  });
});

type Paths = ReturnType<typeof runPaths>;

function idOf({ folder }: Paths): string {
  return folder.split("/").at(-1)!;
}

Deno.test("readSweep() follows links inside of the sweep's folder, and refuses others", async () => {
  await withFolder((root) => {
    const dir = join(root, "sweep"), elsewhere = join(root, "elsewhere");
    Deno.mkdirSync(join(dir, "store"), { recursive: true });
    Deno.mkdirSync(elsewhere);
    const [inside, outside, loop] = [1, 2, 3].map((seed) =>
      writeSyntheticRun(dir, { losses: [2, 1], spec: { seed } })
    ) as [string, string, string];
    const move = (folder: string, to: string) => {
      Deno.renameSync(folder, join(to, "run"));
      Deno.symlinkSync(join(to, "run"), folder);
    };
    move(inside, join(dir, "store"));
    move(outside, elsewhere);
    Deno.removeSync(loop, { recursive: true });
    Deno.symlinkSync(loop, loop);
    const dangling = runFolder(dir, "d".repeat(12));
    Deno.symlinkSync(join(dir, "nothing"), dangling);
    const near = runFolder(dir, "e".repeat(12)); // its target's path has the sweep's path as a prefix
    Deno.mkdirSync(`${dir}-2`);
    Deno.symlinkSync(`${dir}-2`, near);

    const { runs, leftOut } = readSweep(dir);
    assertEquals(runs, [readRun(inside)]);
    const why = Object.fromEntries(leftOut.map(({ id, reason }) => [runFolder(dir, id), reason]));
    assertEquals(why, {
      [outside]: `${outside} is a symbolic link that leaves the sweep's folder for ${elsewhere}/run`,
      [loop]: `${loop} is a symbolic link to a missing target`,
      [dangling]: `${dangling} is a symbolic link to a missing target`,
      [near]: `${near} is a symbolic link that leaves the sweep's folder for ${dir}-2`,
    });
    assertStringIncludes(
      assertThrows(() => readRun(outside), UserError).message,
      `${outside} is a symbolic link that leaves the sweep's folder`,
    );
    assertEquals(readSweep(dir).leftOut.every(({ damaged }) => damaged), true);

    // The sweep's folder itself may be a link; its \`runs\` may not leave it.
    const link = join(root, "link");
    Deno.symlinkSync(dir, link);
    assertEquals(readSweep(link).runs.length, 1);
    const borrowed = join(root, "borrowed");
    Deno.mkdirSync(borrowed);
    Deno.symlinkSync(join(dir, "runs"), join(borrowed, "runs"));
    assertThrows(() => listRuns(borrowed), UserError, `${borrowed}/runs is a symbolic link that leaves the`);
    Deno.renameSync(join(dir, "runs"), join(dir, "kept"));
    Deno.symlinkSync("kept", join(dir, "runs"));
    assertEquals(readSweep(dir).runs.length, 1);
  });
});

Deno.test("readSweep() refuses files of a run that are links out of the sweep's folder, and follows others", async () => {
  await withFolder((root) => {
    const dir = join(root, "sweep"), elsewhere = join(root, "elsewhere"), store = join(dir, "store");
    for (const folder of [elsewhere, store]) Deno.mkdirSync(folder, { recursive: true });
    const { folder, ...files } = runPaths(writeSyntheticRun(dir, { losses: [2, 1] }));
    writeNote(files.note, { text: "first try", tags: [] });
    const whole = readRun(folder);
    for (const path of Object.values(files)) {
      if (!exists(path)) Deno.writeTextFileSync(path, "");
      const kept = join(root, "kept"), name = basename(path);
      Deno.copyFileSync(path, kept);
      for (const place of [store, elsewhere]) {
        Deno.renameSync(path, join(place, name));
        Deno.symlinkSync(join(place, name), path);
        const { runs, leftOut } = readSweep(dir);
        if (place === store) assertEquals(runs, [whole]);
        else {
          const reason = `${path} is a symbolic link that leaves the sweep's folder for ${elsewhere}/${name}`;
          assertEquals(leftOut.map(({ reason }) => reason), [reason]);
          assertThrows(() => readRun(folder), UserError, reason);
        }
        Deno.removeSync(path);
        Deno.copyFileSync(kept, path);
      }
    }
  });
});
