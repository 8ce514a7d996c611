import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { SPEC, writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import {
  canonicalJson,
  effectiveEvents,
  JournalWriter,
  readJournal,
  readRun,
  readRuns,
  runFolder,
  runPaths,
  sha256Hex,
  takeClaim,
  writeManifest,
} from "../record/mod.ts";
import { completeMerges } from "../run/merge_place.ts";
import { createRandom } from "../text/mod.ts";
import { type MergeReport, mergeSweeps } from "./merge.ts";
import { type Plan, readPlan, writePlan } from "./plan_file.ts";

/** Steps of a finished run, with a checkpoint after every third step and at the end. */
const STEPS = 8, EVERY = 3;

/** Writes a run's first `steps` steps, or the finished run for `steps` above {@linkcode STEPS}, and returns its ID. */
function writeRun(dir: string, run: { seed: number; steps: number; shift?: number }): string {
  const folder = writeSyntheticRun(dir, {
    ...{ losses: [], evals: [{ step: 0, loss: 4 }], spec: { seed: run.seed, steps: STEPS }, end: "none" },
  });
  const paths = runPaths(folder);
  let checkpointSha256 = "";
  using writer = new JournalWriter(paths.journal, readJournal(paths.journal).validBytes);
  for (let step = 1; step <= Math.min(run.steps, STEPS); step++) {
    const loss = 3 / step + run.seed + (run.shift ?? 0);
    writer.write({ event: "step", step, loss, lr: 1e-3, gradNorm: 1, tokensPerSecond: Math.random() });
    if (step % EVERY !== 0 && step !== STEPS) continue;
    const content = `weights of seed ${run.seed} after step ${step}, moved by ${run.shift ?? 0}`;
    Deno.writeTextFileSync(paths.checkpoint, content);
    checkpointSha256 = sha256Hex(content);
    writer.write({ event: "checkpoint", step, sha256: checkpointSha256 });
  }
  if (run.steps > STEPS) writer.write({ event: "finish", step: STEPS, seconds: 1, checkpointSha256 });
  return folder.split("/").at(-1)!;
}

/** Returns a plan of runs with these seeds, as written by {@linkcode writeRun}. */
function planOf(seeds: readonly number[]): Plan {
  const dir = Deno.makeTempDirSync();
  try {
    const runs = seeds.map((seed) => ({
      id: writeRun(dir, { seed, steps: 0 }),
      spec: { ...SPEC, seed, steps: STEPS },
    }));
    const data = { name: SPEC.data, sha256: sha256Hex(SPEC.data) };
    return { format: "losskit-plan/1", name: "merged", data, libSha256: "0".repeat(64), threads: 1, runs };
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** Runs a test in temporary folders. */
async function withFolders(test: (folder: (name: string) => string) => Promise<void>): Promise<void> {
  const root = Deno.makeTempDirSync();
  try {
    await test((name) => {
      Deno.mkdirSync(join(root, name, "runs"), { recursive: true });
      return join(root, name);
    });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** Returns the content and modification time of every file below a folder. */
function snapshot(dir: string): Record<string, string> {
  const files: Record<string, string> = {};
  const visit = (path: string, name: string) => {
    for (const entry of Deno.readDirSync(path)) {
      const inner = join(path, entry.name);
      if (entry.isDirectory) visit(inner, `${name}${entry.name}/`);
      else {
        const { mtime, ino } = Deno.statSync(inner);
        files[name + entry.name] = `${sha256Hex(Deno.readFileSync(inner))} ${mtime?.getTime()} ${ino}`;
      }
    }
  };
  visit(dir, "");
  return files;
}

function outcomes({ runs }: MergeReport): string[] {
  return runs.map(({ outcome }) => outcome);
}

/** Returns the steps and status of each run, by seed. */
function states(dir: string): Record<number, string> {
  return Object.fromEntries(
    readRuns(dir).map(({ manifest, events, status }) => [
      manifest.spec.seed,
      `${effectiveEvents(events).steps.length} ${status}`,
    ]),
  );
}

Deno.test("mergeSweeps() merges two halves of a sweep, and is idempotent", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b"), plan = planOf([1, 2, 3]);
    for (const dir of [a, b]) writePlan(dir, plan);
    writeRun(a, { seed: 1, steps: 9 });
    writeRun(b, { seed: 2, steps: 9 });
    const before = snapshot(b);
    const report = await mergeSweeps(a, [b]);
    assertEquals(outcomes(report), ["taken"]);
    assertEquals(report.holes.map(({ run, steps }) => [run.spec.seed, steps]), [[3, 0]]);
    assertEquals(states(a), { 1: "8 finished", 2: "8 finished" });
    assertEquals(snapshot(b), before);
    const merged = snapshot(a);
    const again = await mergeSweeps(a, [b, a, `${b}/.`, `${a}/`]); // each folder counts once
    assertEquals(again.sources, [b]);
    assertEquals(outcomes(again), ["kept"]);
    assertEquals(again.holes, report.holes);
    assertEquals(snapshot(a), merged);
  });
});

Deno.test("mergeSweeps() keeps the longer record of each run", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b");
    writeRun(a, { seed: 1, steps: 4 }); // checkpoint 3
    writeRun(b, { seed: 1, steps: 9 });
    writeRun(a, { seed: 2, steps: 7 }); // checkpoint 6
    writeRun(b, { seed: 2, steps: 5 }); // checkpoint 3
    writeRun(a, { seed: 3, steps: 8 }); // the same without the finish event
    writeRun(b, { seed: 3, steps: 9 });
    writeRun(a, { seed: 4, steps: 9 });
    writeRun(b, { seed: 4, steps: 9 }); // different speeds are no conflict
    const report = await mergeSweeps(a, [b]);
    assertEquals(states(a), { 1: "8 finished", 2: "7 unfinished", 3: "8 finished", 4: "8 finished" });
    assertEquals(outcomes(report).sort(), ["kept", "kept", "taken", "taken"]);
    assertEquals(report.plan, undefined);
    assertEquals(report.holes, []);
    for (const { manifest: { runId }, status } of readRuns(a)) {
      const { checkpoint } = runPaths(runFolder(a, runId));
      const told = readRun(runFolder(a, runId)).events.findLast((event) => event.event === "checkpoint")!;
      assertEquals(
        sha256Hex(Deno.readFileSync(checkpoint)),
        told.event === "checkpoint" && told.sha256,
        status,
      );
    }
  });
});

Deno.test("mergeSweeps() reports conflicting runs, and changes neither", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b");
    writeRun(a, { seed: 1, steps: 9 });
    writeRun(b, { seed: 1, steps: 9, shift: 1e-9 });
    writeRun(a, { seed: 2, steps: 2 });
    writeRun(b, { seed: 2, steps: 9, shift: 1e-9 });
    for (const { manifest } of readRuns(b)) {
      const environment = { ...manifest.environment, cpuModel: "Another CPU" };
      writeManifest(runPaths(runFolder(b, manifest.runId)).manifest, { ...manifest, environment });
    }
    const before = snapshot(a);
    const { runs } = await mergeSweeps(a, [b]);
    assertEquals(snapshot(a), before);
    for (const run of runs) {
      assert(run.outcome === "conflict");
      assertMatch(run.environment.join(), /Another CPU/);
      assertEquals([run.difference.step, run.difference.field], [1, "loss"]);
    }
    assertEquals(runs.length, 2);
  });
});

Deno.test("mergeSweeps() leaves damaged runs unchanged, and reports the damage", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b");
    const paths = [1, 2, 3].map((seed) => runPaths(runFolder(b, writeRun(b, { seed, steps: 9 }))));
    Deno.writeTextFileSync(
      paths[0]!.journal,
      Deno.readTextFileSync(paths[0]!.journal).replace('"step":3', '"step":x'),
    );
    Deno.writeTextFileSync(paths[1]!.checkpoint, "half of it");
    Deno.removeSync(paths[2]!.checkpoint);
    writeRun(b, { seed: 4, steps: 9 });
    const { runs } = await mergeSweeps(a, [b]);
    assertEquals(states(a), { 4: "8 finished" });
    const reasons = runs.flatMap((run) => run.outcome === "damaged" ? [run.reason] : []);
    assertEquals(reasons.length, 3);
    assertMatch(reasons.join("\n"), /journal\.jsonl, line/);
    assertMatch(reasons.join("\n"), /got [0-9a-f]{64}/);
    assertMatch(reasons.join("\n"), /got no file/);
  });
});

Deno.test("mergeSweeps() leaves runs owned by other processes unchanged", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b");
    const place = runFolder(a, writeRun(a, { seed: 1, steps: 4 }));
    writeRun(b, { seed: 1, steps: 9 });
    {
      using _claim = await takeClaim(runPaths(place).claim);
      const before = Deno.readFileSync(runPaths(place).journal);
      assertEquals(outcomes(await mergeSweeps(a, [b])), ["busy"]);
      assertEquals(Deno.readFileSync(runPaths(place).journal), before);
    }
    assertEquals(outcomes(await mergeSweeps(a, [b])), ["taken"]);
    assertEquals(states(a), { 1: "8 finished" });
    assertEquals([...Deno.readDirSync(a)].map(({ name }) => name), ["runs"]);
    assertEquals([...Deno.readDirSync(place)].filter(({ name }) => name.startsWith("claim")), []);
  });
});

Deno.test("mergeSweeps() refuses a staging folder that is a link out of the folder, and changes nothing there", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b"), elsewhere = folder("elsewhere");
    const id = writeRun(a, { seed: 1, steps: 4 });
    writeRun(b, { seed: 1, steps: 9 });
    Deno.mkdirSync(join(elsewhere, `${id}.old`), { recursive: true });
    Deno.symlinkSync(elsewhere, join(a, ".merge"));
    await assertRejects(
      () => mergeSweeps(a, [b]),
      UserError,
      `Cannot use ${join(a, ".merge")}: ${
        join(a, ".merge")
      } is a symbolic link that leaves the sweep's folder`,
    );
    assertThrows(() => completeMerges(a), UserError, "is a symbolic link that leaves the sweep's folder");
    assertEquals(
      [...Deno.readDirSync(elsewhere)].map(({ name }) => name).sort(),
      [`${id}.old`, "runs"].sort(),
    );
    assertEquals(states(a), { 1: "4 unfinished" });
  });
});

Deno.test("mergeSweeps() merges plans of the same text, code and threads, and refuses others", async () => {
  await withFolders(async (folder) => {
    const a = folder("a"), b = folder("b"), c = folder("c");
    writePlan(a, planOf([1, 2]));
    writePlan(b, planOf([2, 3]));
    await mergeSweeps(a, [b]);
    const seeds = () => readPlan(a)!.runs.map(({ spec }) => spec.seed);
    assertEquals(seeds(), [1, 2, 3]);
    await mergeSweeps(a, [b]);
    assertEquals(seeds(), [1, 2, 3]);
    const others: [Partial<Plan>, RegExp][] = [
      [
        { data: { name: "x", sha256: "0".repeat(64) } },
        /the same text, got [0-9a-f]{64} in .* and 0{64} in /,
      ],
      [{ libSha256: "1".repeat(64) }, /the same version of the code in lib\/, got .* and 1{64} in /],
      [{ threads: 2, runs: [] }, /the same number of threads, got \d in .*a and 2 in .*c\. /],
    ];
    for (const [other, message] of others) {
      writePlan(c, { ...planOf([9]), ...other });
      const error = await assertRejects(() => mergeSweeps(a, [c]), UserError);
      assertMatch(error.message, message);
    }
    await assertRejects(() => mergeSweeps(a, [join(c, "nothing")]), UserError);
    assertEquals(seeds(), [1, 2, 3]);
  });
});

Deno.test("mergeSweeps() of partial records, in any order, keeps the longest of each run", async () => {
  const random = createRandom(7, "merge");
  const draw = (n: number) => random.nextUint32() % n;
  for (let round = 0; round < 8; round++) {
    await withFolders(async (folder) => {
      const farthest: Record<number, number> = {};
      const dirs = ["a", "b", "c"].map((name) => {
        const dir = folder(name);
        for (let seed = 0; seed < 4; seed++) {
          const steps = draw(STEPS + 3) - 1;
          if (steps < 0) continue;
          writeRun(dir, { seed, steps });
          farthest[seed] = Math.max(farthest[seed] ?? 0, steps);
        }
        return dir;
      });
      const out = folder("out");
      const before = canonicalJson(dirs.map(snapshot));
      const order = draw(2) === 0 ? dirs : dirs.toReversed();
      await mergeSweeps(out, order);
      assertEquals(
        states(out),
        Object.fromEntries(
          Object.entries(farthest).map(([seed, steps]) => [
            seed,
            steps > STEPS ? `${STEPS} finished` : `${steps} unfinished`,
          ]),
        ),
      );
      const merged = snapshot(out);
      assert((await mergeSweeps(out, dirs)).runs.every(({ outcome }) => outcome === "kept"));
      assertEquals(snapshot(out), merged);
      assertEquals(canonicalJson(dirs.map(snapshot)), before);
    });
  }
});
