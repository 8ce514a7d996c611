// @heavy
/**
 * Sweeps from the command line: results, resume, signals, reproduction and invalid input.
 */
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { compareJournals, readRun, readRuns, runPaths } from "../lib/record/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";
import { editRecord } from "./support/edit_record.ts";

const root = await Deno.makeTempDir();
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const SMALL = ["--data", text, "--seq", "16", "--vocab", "char", "--seeds", "1"];
const runsOf = (dir: string) =>
  [...Deno.readDirSync(join(dir, "runs"))].map(({ name }) => join(dir, "runs", name)).sort();

Deno.test("a sweep trains every combination, reports it, and is not repeated", async () => {
  const dir = join(root, "axes");
  const args = [
    "--data",
    text,
    "--seq",
    "16,32",
    "--amp",
    "off,on",
    "--vocab",
    "char,300",
    "--seeds",
    "1",
    "--steps",
    "12",
    "--out",
    dir,
  ];
  const first = await runTask("sweep", args);
  assertEquals(first.code, 0, first.stderr);
  assertStringIncludes(first.stdout, "report.html");
  const runs = readRuns(dir);
  assertEquals(runs.length, 8);
  for (const { status, events, manifest } of runs) {
    assertEquals(status, "finished");
    assertEquals(events.filter(({ event }) => event === "step").length, 12);
    assertEquals(manifest.spec.B * manifest.spec.T, 1024);
  }
  const html = await Deno.readTextFile(join(dir, "report.html"));
  assertStringIncludes(html, "Content-Security-Policy");
  const journals = runsOf(dir).map((folder) => Deno.readTextFileSync(runPaths(folder).journal));
  const second = await runTask("sweep", args);
  assertEquals(second.code, 0, second.stderr);
  assertStringIncludes(second.stderr, "8 of 8 runs are already finished");
  assertEquals(runsOf(dir).map((folder) => Deno.readTextFileSync(runPaths(folder).journal)), journals);
  const other = await runTask("sweep", [...args, "--steps", "13"]);
  assertEquals(other.code, 2);
  assertMatch(other.stderr, /another plan: run 1 has steps 12, expected 13/);
});

Deno.test("equal specs give equal journals and bit-identical checkpoints; pairs share weights and batches", async () => {
  const [a, b] = [join(root, "a"), join(root, "b")];
  for (const dir of [a, b]) {
    const { code, stderr } = await runTask("sweep", [...SMALL, "--steps", "25", "--out", dir]);
    assertEquals(code, 0, stderr);
  }
  const [left, right] = [runsOf(a), runsOf(b)];
  assertEquals(
    left.map((folder) => folder.split("/").at(-1)),
    right.map((folder) => folder.split("/").at(-1)),
  );
  for (const [i, folder] of left.entries()) {
    assertEquals(compareJournals(readRun(folder).events, readRun(right[i]!).events), undefined);
    assertEquals(
      Deno.readFileSync(runPaths(folder).checkpoint),
      Deno.readFileSync(runPaths(right[i]!).checkpoint),
    );
  }
  const losses = readRuns(a).map(({ events }) =>
    events.find(({ event }) => event === "step") as { loss: number }
  );
  assertEquals(losses.length, 2);
  assertNotEquals(losses[0]!.loss, losses[1]!.loss);
  assert(
    Math.abs(losses[0]!.loss - losses[1]!.loss) < 0.02,
    "the first losses of a pair are of the same weights and batch",
  );

  const { code, stdout, stderr } = await runTask("reproduce", [left[0]!]);
  assertEquals([code, stdout.trim()], [0, "identical"], stderr);

  // A changed journal is detected, with the step.
  const { journal } = runPaths(right[0]!);
  editRecord(journal, (text) => text.replace(/("step":7,.*"loss":)[\d.]+/, "$11.5"));
  const diverged = await runTask("reproduce", [right[0]!]);
  assertEquals(diverged.code, 4);
  assertMatch(diverged.stdout, /diverged at step 7: loss was 1.5, is /);
});

/** Waits until a run of a sweep has recorded steps. */
async function stepsMade(dir: string, least: number): Promise<void> {
  for (let i = 0; i < 600; i++) {
    try {
      for (const folder of runsOf(dir)) {
        const steps = Deno.readTextFileSync(runPaths(folder).journal).split("\n").filter((l) =>
          l.includes('"step"')
        ).length;
        if (steps > least) return;
      }
    } catch {
      // The journal does not exist yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no steps were made");
}

Deno.test("an interrupted sweep resumes to the results of an uninterrupted one", async () => {
  const [alone, stopped] = [join(root, "alone"), join(root, "stopped")];
  const args = [...SMALL, "--steps", "300", "--workers", "2"];
  assertEquals((await runTask("sweep", [...args, "--out", alone])).code, 0);

  // Two concurrent SIGINTs, as npx sends them, count as one Ctrl-C: the current steps are finished and recorded.
  const child = startTask("sweep", [...args, "--out", stopped]);
  await stepsMade(stopped, 60);
  child.kill("SIGINT");
  child.kill("SIGINT");
  const result = await ended(child);
  assertEquals(result.code, 75, result.stderr);
  assertStringIncludes(result.stderr, "repeat the command to resume");
  assert(readRuns(stopped).some(({ status }) => status === "unfinished"));

  // A killed writer can leave an incomplete last line.
  const [first] = runsOf(stopped).filter((folder) => readRun(folder).status === "unfinished");
  await Deno.writeTextFile(runPaths(first!).journal, '{"event":"step","st', { append: true });
  const again = await runTask("sweep", [...args, "--out", stopped]);
  assertEquals(again.code, 0, again.stderr);
  assertStringIncludes(await Deno.readTextFile(runPaths(first!).log), "dropped a half-written last line");
  for (const [i, folder] of runsOf(alone).entries()) {
    const other = runsOf(stopped)[i]!;
    assertEquals(compareJournals(readRun(folder).events, readRun(other).events), undefined);
    assertEquals(
      Deno.readFileSync(runPaths(folder).checkpoint),
      Deno.readFileSync(runPaths(other).checkpoint),
    );
  }
});

Deno.test("a killed worker fails only its run, and the same command repairs the sweep", async () => {
  const dir = join(root, "killed");
  const args = [...SMALL, "--amp", "off", "--steps", "300", "--workers", "1", "--retries", "0", "--out", dir];
  const child = startTask("sweep", args);
  await stepsMade(dir, 60);
  await new Deno.Command("pkill", { args: ["-KILL", "-f", `worker.ts ${dir}`] }).output();
  const result = await ended(child);
  assertEquals(result.code, 3, result.stderr);
  assertEquals((await runTask("sweep", args)).code, 0);
  assertEquals(readRuns(dir).map(({ status }) => status), ["finished"]);
});

Deno.test("a run without its journal starts over, although its checkpoint exists", async () => {
  const dir = join(root, "lost");
  const args = [...SMALL, "--amp", "off", "--steps", "60", "--out", dir];
  assertEquals((await runTask("sweep", args)).code, 0);
  const [folder] = runsOf(dir);
  const before = readRun(folder!).events;
  await Deno.remove(runPaths(folder!).journal);
  assertEquals((await runTask("sweep", args)).code, 0);
  assertEquals(compareJournals(readRun(folder!).events, before), undefined);
  // The journal contains only its end; the checkpoint is of step 60.
  const lines = (await Deno.readTextFile(runPaths(folder!).journal)).split("\n");
  await Deno.writeTextFile(runPaths(folder!).journal, lines.slice(0, 30).join("\n") + "\n");
  assertEquals((await runTask("sweep", args)).code, 0);
  assertEquals(compareJournals(readRun(folder!).events, before), undefined);
});

Deno.test("damage inside a journal is reported with file and line, and the run is unchanged", async () => {
  const dir = join(root, "damaged");
  const args = [...SMALL, "--amp", "off", "--steps", "8", "--out", dir];
  assertEquals((await runTask("sweep", args)).code, 0);
  const [folder] = runsOf(dir);
  const { journal } = runPaths(folder!);
  const lines = (await Deno.readTextFile(journal)).split("\n");
  lines[3] = lines[3]!.slice(0, 20);
  await Deno.writeTextFile(journal, lines.join("\n"));
  for (const [task, ...rest] of [["sweep", ...args], ["report", dir]] as [string, ...string[]][]) {
    const { code, stdout, stderr } = await runTask(task, rest);
    assertEquals(code, 3, stderr);
    assertStringIncludes(stdout + stderr, `${journal}, line 4`);
    assert(!stderr.includes("    at "), stderr);
    assertEquals(await Deno.readTextFile(journal), lines.join("\n"));
  }
});

const WRONG: [string, string[], RegExp][] = [
  ["a missing text", ["--data", join(root, "none.txt")], /does not exist/],
  ["an empty text", ["--data", join(root, "empty.txt")], /which is empty/],
  [
    "a text shorter than T",
    ["--data", join(root, "short.txt"), "--seq", "64", "--vocab", "char"],
    /expected T < /,
  ],
  [
    "a T that does not divide",
    ["--data", text, "--seq", "48"],
    /expected tokensPerStep to be a multiple of every T/,
  ],
  ["a T of nothing", ["--data", text, "--seq", "0"], /expected seq to be at least 1/],
  [
    "a V below the bytes",
    ["--data", text, "--vocab", "100"],
    /Cannot use --vocab: expected at least 256 tokens/,
  ],
  ["a V that the text cannot fill", ["--data", text, "--vocab", "30000"], /merges/],
  [
    "an unknown policy",
    ["--data", text, "--amp", "off,fp4"],
    /Cannot use --amp: expected off, on, .* or emulated:FORMAT, got "fp4"/,
  ],
  ["steps that are no number", ["--data", text, "--steps", "many"], /steps/],
  ["a seed twice", ["--data", text, "--seeds", "1,1"], /expected seeds not to repeat/],
  ["no workers", ["--data", text, "--workers", "0"], /--workers: expected a whole number/],
  ["an unknown option", ["--sead", "1"], /unknown option '--sead'/],
  [
    "a spec with an unknown field",
    [join(root, "field.json")],
    /unknown field stepz \(did you mean steps\?\)\. The fields are /,
  ],
  ["heads that do not fit", [join(root, "heads.json")], /expected nEmbd to be a multiple of nHead/],
  ["a spec that is no JSON", [join(root, "broken.json")], /Cannot read the spec/],
  ["a spec that is not there", [join(root, "nowhere.json")], /Cannot read the spec/],
  [
    "a folder that cannot be written",
    ["--data", text, "--vocab", "char", "--out", join(root, "empty.txt", "x")],
    /expected a writable folder/,
  ],
];

Deno.test("invalid input is reported with status 2, and starts nothing", async (t) => {
  await Deno.writeTextFile(join(root, "empty.txt"), "");
  await Deno.writeTextFile(join(root, "short.txt"), "too short for anything");
  await Deno.writeTextFile(join(root, "field.json"), JSON.stringify({ data: text, stepz: 3 }));
  await Deno.writeTextFile(join(root, "heads.json"), JSON.stringify({ data: text, nHead: 5 }));
  await Deno.writeTextFile(join(root, "broken.json"), "{");
  for (const [name, args, message] of WRONG) {
    await t.step(name, async () => {
      const out = join(root, "wrong");
      const { code, stdout, stderr } = await runTask(
        "sweep",
        args.includes("--out") ? args : [...args, "--out", out],
      );
      assertEquals([code, stdout], [2, ""], stderr);
      assertMatch(stderr, message);
      assert(!stderr.includes("    at "), `a stack trace: ${stderr}`);
      assert(!exists(join(out, "runs")), "something started");
    });
  }
});

Deno.test("report and reproduce report a missing folder", async () => {
  for (const task of ["report", "reproduce"]) {
    const { code, stderr } = await runTask(task, [join(root, "nothing")]);
    assertEquals(code, 2);
    assertMatch(stderr, /^Cannot (read|reproduce) .*nothing/);
  }
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
