/**
 * Files that `deno task export` writes, read by DuckDB, pandas, pyarrow and TensorBoard.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import {
  type Columns,
  describedStepColumns,
  effectiveEvents,
  encodeParquet,
  evalColumns,
  JournalWriter,
  readJournal,
  readRuns,
  type RecordedRun,
  runFolder,
  runPaths,
} from "../lib/record/mod.ts";
import { exists } from "../lib/file/exists.ts";
import { runTask } from "./support/commands.ts";
import { capture, pythonWith } from "./support/python.ts";
import { type SyntheticRun, writeSyntheticRun } from "./support/synthetic_runs.ts";

const READ_TOGETHER = fileURLToPath(new URL("./fixtures/read_exports_together.py", import.meta.url));
const READ = fileURLToPath(new URL("./fixtures/read_exports.py", import.meta.url));

/** Output of the script. */
interface ReadBack {
  [reader: string]: Record<string, Record<string, unknown[]>>;
}

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

/** Writes a folder with every kind of value, and more rows than one row group. */
function writeRuns(dir: string): RecordedRun[] {
  const many = Array.from({ length: 2500 }, (_, i) => 2 + Math.sin(i) / 3);
  writeSyntheticRun(dir, {
    losses: [3, NaN, Infinity, -Infinity, 1 / 3, 5e-324, 1e300, -1.7976931348623157e308],
    evals: [{ step: 0, loss: 4 }, { step: 2, loss: NaN, peakBytes: 612345678 }, { step: 8, loss: Infinity }],
  });
  writeSyntheticRun(dir, {
    losses: many,
    spec: {
      seed: Number.MAX_SAFE_INTEGER,
      policy: "bf16-autocast",
      data: "Über die Öde ☃.txt",
      tokenizer: "bpe:512",
    },
    end: { fail: "it went wrong" },
  });
  const scaled = writeSyntheticRun(dir, { losses: [], spec: { seed: 3, evalTokens: "all" }, end: "none" });
  const { journal } = runPaths(scaled);
  using writer = new JournalWriter(journal, readJournal(journal).validBytes);
  const figures = { loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1 };
  writer.write({ event: "step", step: 1, ...figures, lossScale: 65536 });
  writer.write({ event: "step", step: 2, ...figures });
  return readRuns(dir);
}

/** Returns columns as the script prints them: big integers are numbers. */
function asPrinted(columns: Columns): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [
      name,
      Array.from(column as ArrayLike<unknown>, (value) => typeof value === "bigint" ? Number(value) : value),
    ]),
  );
}

/** Parses numbers that Python prints as text, such as nan and inf. */
function asWritten(
  read: Record<string, unknown[]>,
  wanted: Record<string, unknown[]>,
): Record<string, unknown[]> {
  const figure = (text: string) => text === "nan" ? NaN : Number(text.replace("inf", "Infinity"));
  return Object.fromEntries(
    Object.entries(read).map(([name, values]) => [
      name,
      values.map((value, i) =>
        typeof wanted[name]?.[i] === "number" && typeof value === "string" ? figure(value) : value
      ),
    ]),
  );
}

/** Sweeps with values that suggest different column types: integers, fractions, `"all"`, 53-bit integers, missing values. */
const SWEEPS: Readonly<Record<string, SyntheticRun[]>> = {
  whole: [{ losses: [1, 2], spec: { seed: 1, clip: 1, lr: 1, weightDecay: 0 } }],
  fractions: [{
    losses: [1.5, 2],
    evals: [{ step: 2, loss: 2.25 }],
    spec: { seed: 2 ** 32, dropout: 0.25, clip: 0.5, labelSmoothing: 0.1, lr: 3e-4 },
  }],
  large: [
    { losses: [], end: "none", spec: { seed: Number.MAX_SAFE_INTEGER, evalTokens: "all", evalEvery: 1e9 } },
    { losses: [3], spec: { seed: 2, overrides: [{ format: "float32", opClasses: ["loss"] }] } },
  ],
  empty: [],
};

Deno.test("exports of different sweeps have one schema, and DuckDB and pyarrow read them together", async () => {
  const folders = Object.entries(SWEEPS).map(([name, runs]) => {
    const dir = join(root, "schemas", name);
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    for (const run of runs) writeSyntheticRun(dir, run);
    return dir;
  });
  // An export of version 0.1: seeds as doubles, and clip as text. A new export replaces it.
  const [old] = folders as [string];
  Deno.mkdirSync(join(old, "export"));
  const before = { run: ["x"], seed: Float64Array.of(1), clip: ["1"] };
  const form = { run: "text", seed: "double", clip: "text" } as const;
  Deno.writeFileSync(join(old, "export", "runs.parquet"), encodeParquet([before], form));
  Deno.writeTextFileSync(
    join(old, "export", "export.json"),
    JSON.stringify({ format: "losskit-export/1", files: { parquet: ["runs.parquet"] } }),
  );
  for (const dir of folders) {
    const { code, stderr } = await runTask("export", [dir, "--format", "parquet,arrow"]);
    assertEquals(code, 0, stderr);
  }
  const python = await pythonWith("tables");
  const { schemas, duckdb, pyarrow } = JSON.parse(await capture(python, ["-I", READ_TOGETHER, ...folders]));
  for (const [table, found] of Object.entries(schemas) as [string, unknown[]][]) {
    assertEquals(found.length, folders.length);
    for (const schema of found) assertEquals(schema, found[0], table);
  }
  const { seed, dropout, evalTokens, lr, stepsDone, overrides, saveBest } = schemas["runs.parquet"][0];
  assertEquals(
    { seed, dropout, evalTokens, lr, stepsDone, overrides, saveBest },
    {
      seed: "int64 not null",
      dropout: "double not null",
      evalTokens: "int64",
      lr: "double not null",
      stepsDone: "int32 not null",
      overrides: "string not null",
      saveBest: "bool not null",
    },
  );
  const wanted = [
    { seed: 1, clip: 1, dropout: 0, labelSmoothing: 0, evalTokens: 1000, lr: 1, valLoss: "nan" },
    { seed: 2, clip: 1, dropout: 0, labelSmoothing: 0, evalTokens: 1000, lr: 1e-3, valLoss: "nan" },
    {
      seed: 2 ** 32,
      clip: 0.5,
      dropout: 0.25,
      labelSmoothing: 0.1,
      evalTokens: 1000,
      lr: 3e-4,
      valLoss: 2.25,
    },
    {
      seed: Number.MAX_SAFE_INTEGER,
      ...{ clip: 1, dropout: 0, labelSmoothing: 0, evalTokens: null, lr: 1e-3, valLoss: "nan" },
    },
  ];
  assertEquals(duckdb, wanted);
  assertEquals(pyarrow, wanted);
});

Deno.test("DuckDB, pandas, pyarrow and TensorBoard read every value of exported tables", async (t) => {
  const dir = join(root, "sweep"), out = join(root, "Ausgabe ü");
  const runs = writeRuns(dir);
  const { code, stdout, stderr } = await runTask("export", [
    ...[dir, "--format", "parquet,arrow,tensorboard", "--out", out],
  ]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim().split("\n").length, 3 + 3 + 3);
  const python = await pythonWith("tables");
  const read: ReadBack = JSON.parse(await capture(python, ["-I", READ, out]));
  for (const reader of ["duckdb", "pandas", "pyarrow parquet", "pyarrow ipc"]) {
    await t.step(reader, () => {
      for (
        const [table, columns] of [["steps", describedStepColumns(runs)], [
          "evals",
          evalColumns(runs),
        ]] as const
      ) {
        const wanted = asPrinted(columns);
        const found = asWritten(read[reader]![table]!, wanted);
        // pandas represents missing numbers as NaN.
        for (
          const name of reader === "pandas" ? ["lossScale", "emaLoss", "emaBitsPerByte", "peakBytes"] : []
        ) {
          if (name in found) found[name] = found[name]!.map((value) => value === "nan" ? null : value);
        }
        assertEquals(found, wanted);
      }
      const { run, status, stepsDone, evalTokens, nonFinite } = read[reader]!["runs"]!;
      assertEquals(run, runs.map(({ manifest }) => manifest.runId));
      assertEquals(status, runs.map((one) => one.status));
      assertEquals(stepsDone, runs.map(({ events }) => effectiveEvents(events).steps.length));
      const wanted = runs.map(({ manifest: { spec } }) => spec.evalTokens === "all" ? null : spec.evalTokens);
      // pandas converts integers with missing values to floats.
      const given = reader === "pandas"
        ? evalTokens!.map((value) => value === "nan" ? null : Number(value))
        : evalTokens;
      assertEquals(given, wanted);
      assertEquals(nonFinite, [3, 0, 0]);
    });
  }
  await t.step("DuckDB filters by NaN and infinities", () => {
    const above2 = 3 + Array.from({ length: 2500 }, (_, i) => Math.sin(i) > 0).filter(Boolean).length;
    assertEquals(
      read["duckdb filters"],
      {
        // DuckDB orders NaN above all numbers.
        "loss > 2": above2 + 1,
        "loss < 0": 2,
        "isnan(loss)": 1,
        "loss = 'inf'": 1,
        "loss is null": 0,
      } as unknown as ReadBack[string],
    );
  });
  await t.step("TensorBoard's HParams", () => {
    const sessions = read["hyperparameters"] as unknown as Record<string, [Record<string, unknown>, number]>;
    const statuses = { finished: 1, failed: 2, unfinished: 0 }; // success, failure, no end
    assertEquals(Object.keys(sessions).length, runs.length);
    for (const { manifest: { runId, spec }, status } of runs) {
      const [values, found] = sessions[runId]!;
      assertEquals(found, statuses[status]);
      const wanted = Object.entries(spec).map(([name, value]) => [
        name,
        ["number", "boolean", "string"].includes(typeof value) ? value : JSON.stringify(value ?? null),
      ]);
      assertEquals(values, Object.fromEntries(wanted));
    }
  });
  await t.step("TensorBoard", () => {
    const read2 = read["tensorboard"]!;
    assertEquals(Object.keys(read2).length, 3);
    for (const { manifest: { runId, spec }, events } of runs) {
      const name = Object.keys(read2).find((name) => name.endsWith(runId))!;
      assertMatch(name, new RegExp(`^[A-Za-z0-9._-]+-T64-${spec.policy}-seed${spec.seed}-${runId}$`));
      const { steps, evals } = effectiveEvents(events);
      const wanted: Record<string, unknown[]> = {};
      for (const { event, step, time, ...figures } of [...steps, ...evals]) {
        for (const [field, value] of Object.entries(figures)) {
          const group = field === "peakBytes" ? "memory" : event === "step" ? "train" : "validation";
          const tag = `${group}/${field}`;
          (wanted[tag] ??= []).push([step, Math.fround(value as number), Date.parse(time) / 1000]);
        }
      }
      const found = Object.entries(read2[name]!).map(([tag, rows]) => [
        tag,
        (rows as [number, string, number][]).map(([step, value, time]) => [
          step,
          value === "nan" ? NaN : Number(value.replace("inf", "Infinity")),
          time,
        ]),
      ]);
      assertEquals(Object.fromEntries(found), wanted);
    }
  });
});

Deno.test("export is repeatable, and reports invalid requests", async () => {
  const dir = join(root, "again");
  writeRuns(dir);
  const files = () =>
    [...Deno.readDirSync(join(dir, "export"))].map((
      { name },
    ) => [name, Deno.readFileSync(join(dir, "export", name))]);
  assertEquals((await runTask("export", [dir])).code, 0);
  const first = files();
  assertEquals(first.map(([name]) => name).sort(), [
    ...["evals.parquet", "export.json", "runs.parquet", "steps.parquet"],
  ]);
  assertEquals((await runTask("export", [dir])).code, 0);
  assertEquals(files(), first);
  const wrong: [string[], RegExp][] = [
    [[join(root, "none")], /expected a folder with runs/],
    [
      [dir, "--format", "parquet,csv"],
      /Cannot use --format: expected a list of parquet, arrow, tensorboard, got "csv"/,
    ],
    [[dir, "--format", ","], /Cannot use --format: .* got ","/],
    [
      [dir, "--out", join(dir, "runs", "..", "export", "runs.parquet", "x")],
      /Cannot write .*: expected a writable folder/,
    ],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await runTask("export", args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertMatch(stderr, message);
    assert(!stderr.includes("    at "), stderr);
  }
});

Deno.test("export --check names every damaged file, and writes nothing", async () => {
  const dir = join(root, "checked"), folder = join(dir, "export");
  writeRuns(dir);
  assertEquals((await runTask("export", [dir])).code, 0);
  const check = async (...args: string[]) => await runTask("export", ["--check", ...args]);
  for (const place of [dir, folder]) {
    assertEquals(await check(place), { code: 0, stdout: "3 of 3 files are intact\n", stderr: "" });
  }
  const [evals, runs, steps] = ["evals", "runs", "steps"].map((name) => join(folder, `${name}.parquet`));
  Deno.writeFileSync(runs!, Deno.readFileSync(runs!).map((byte, i) => i === 9 ? byte ^ 1 : byte));
  Deno.truncateSync(steps!, 100);
  Deno.removeSync(evals!);
  const damaged = await check(folder);
  assertEquals(damaged.code, 3);
  assertMatch(damaged.stdout, /runs\.parquet: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}\n/);
  assertMatch(damaged.stdout, /steps\.parquet: expected \d+ bytes, got 100\n/);
  assertMatch(damaged.stdout, /evals\.parquet: expected \d+ bytes, got no file\n/);
  assertMatch(damaged.stdout, /\n0 of 3 files are intact\n$/);
  assertEquals([...Deno.readDirSync(folder)].length, 3);
  assertEquals((await runTask("export", [dir])).code, 0, "the same command again");
  assertEquals((await check(folder)).code, 0);

  const contents = join(folder, "export.json");
  const old = { format: "losskit-export/1", files: { parquet: ["runs.parquet"] } };
  Deno.writeTextFileSync(contents, JSON.stringify(old));
  const unknown = await check(folder);
  assertEquals(unknown.code, 3);
  assertMatch(
    unknown.stdout,
    /runs\.parquet: expected a checksum in export\.json, got none: the export was interrupted/,
  );
  Deno.writeTextFileSync(contents, "{");
  const wrong: [args: string[], code: number, told: RegExp][] = [
    [[folder], 3, /^Cannot read .*export\.json/],
    [[root], 2, /^Cannot check the export in .*: expected export\.json/],
    [[folder, "--out", root], 2, /'--check' cannot be used with option '--out <folder>'/],
    [[folder, "--format", "arrow"], 2, /cannot be used with option '--format <list>'/],
  ];
  for (const [args, code, told] of wrong) {
    const ended = await check(...args);
    assertEquals([ended.code, ended.stdout], [code, ""]);
    assertMatch(ended.stderr, told);
  }
});

Deno.test("export replaces all files of an earlier export, and no other files", async () => {
  const dir = join(root, "twice"), out = join(root, "twice-out");
  writeRuns(dir);
  const runExport = (...formats: string[]) =>
    runTask("export", [dir, "--out", out, "--format", formats.join(",")]);
  const files = (folder = out): string[] =>
    [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
      isDirectory ? files(join(folder, name)) : [join(folder, name)]
    ).sort();
  Deno.mkdirSync(join(out, "tensorboard", "mine"), { recursive: true });
  Deno.writeTextFileSync(join(out, "tensorboard", "mine", "events"), "of another program");
  Deno.writeTextFileSync(join(out, "notes.txt"), "a user's");
  assertEquals((await runExport("parquet", "tensorboard")).code, 0);
  const before = files();
  assertEquals(before.length, 2 + 1 + 3 + 3);
  const [{ manifest }] = readRuns(dir) as [RecordedRun];
  Deno.removeSync(runPaths(runFolder(dir, manifest.runId)).manifest);
  const { code, stderr } = await runExport("tensorboard", "arrow");
  assertEquals(code, 3);
  const [warning, note] = stderr.split("\n");
  assertMatch(
    warning!,
    new RegExp(`^warning: run ${manifest.runId} is skipped: its folder has no manifest.json`),
  );
  assertEquals(note, `note: parquet files in ${out} are from an earlier export`);
  Deno.removeSync(runFolder(dir, manifest.runId), { recursive: true });
  assertEquals(
    files(),
    [
      ...before.filter((path) => !path.includes(manifest.runId)),
      ...["evals", "runs", "steps"].map((name) => join(out, `${name}.arrow`)),
    ].sort(),
  );
  assert(
    !exists(join(out, "tensorboard", `character-T64-float32-seed1-${manifest.runId}`)),
    "an empty folder",
  );
  assertEquals(await runExport("parquet", "tensorboard", "arrow").then(({ stderr }) => stderr), "");

  const other = join(root, "a users");
  Deno.mkdirSync(other);
  Deno.writeTextFileSync(join(other, "runs.parquet"), "a user's");
  const refused = await runTask("export", [dir, "--out", other]);
  assertEquals([refused.code, refused.stdout], [2, ""]);
  assertMatch(refused.stderr, /^Cannot export to .*: runs.parquet exists and is not from an earlier export/);
  assertEquals(files(other), [join(other, "runs.parquet")]);
  Deno.writeTextFileSync(
    join(out, "export.json"),
    JSON.stringify({ format: "losskit-export/1", files: { parquet: ["../../etc/passwd"] } }),
  );
  const led = await runExport("parquet");
  assertEquals(led.code, 2);
  assertMatch(led.stderr, /export.json: .*expected a path inside the folder/);
});
