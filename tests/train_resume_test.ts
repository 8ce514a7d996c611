// @heavy
/**
 * `deno task train`: kill and resume with every option that a checkpoint stores, damaged files, and contradictory command lines.
 */
import { join } from "node:path";
import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import {
  compareJournals,
  effectiveEvents,
  readJournal,
  runIdOf,
  type RunPaths,
  runPaths,
} from "../lib/record/mod.ts";
import { decodeSafetensors, encodeSafetensors } from "../lib/model/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";
import { editPlan, editRecord, withoutChecksums } from "./support/edit_record.ts";

const root = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());

/** Steps of a run: enough for five kills, as a run is killed some steps after the chosen one. */
const STEPS = 200;
const MODEL = [
  "--n-layer",
  "2",
  "--n-head",
  "2",
  "--n-embd",
  "64",
  "--seq",
  "32",
  "--batch",
  "8",
  "--dropout",
  "0.1",
];
/** Evaluations and best checkpoints occur at checkpoints and between them. */
const OPTIONS = [
  ...[
    "--data",
    text,
    "--steps",
    String(STEPS),
    "--accumulate",
    "2",
    "--ema-decay",
    "0.9",
    "--label-smoothing",
    "0.05",
  ],
  ...[
    "--eval-every",
    "9",
    "--eval-tokens",
    "1024",
    "--checkpoint-every",
    "12",
    "--save-best",
    "--patience",
    "50",
  ],
  ...["--schedule", "wsd", "--decay-steps", "40", "--vocab", "300", ...MODEL],
];

/** Returns the files of a folder's only run. */
function filesOf(dir: string): RunPaths {
  const [run] = [...Deno.readDirSync(join(dir, "runs"))];
  return runPaths(join(dir, "runs", run!.name));
}

/** Returns the results of a run: its journal, and the bytes of its checkpoints. */
function outcomeOf(dir: string) {
  const { journal, checkpoint, best } = filesOf(dir);
  const { events } = readJournal(journal);
  return { events, checkpoint: Deno.readFileSync(checkpoint), best: Deno.readFileSync(best) };
}
type Outcome = ReturnType<typeof outcomeOf>;

function assertEqualRuns(got: Outcome, want: Outcome): void {
  assertEquals(compareJournals(got.events, want.events), undefined);
  assert(equalBytes(got.checkpoint, want.checkpoint), "the last checkpoints differ");
  assert(equalBytes(got.best, want.best), "the best checkpoints differ");
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Returns the last recorded step of a folder's run; 0 before the first step. */
function stepOf(dir: string): number {
  try {
    return effectiveEvents(readJournal(filesOf(dir).journal).events).steps.at(-1)?.step ?? 0;
  } catch {
    return 0; // not there yet
  }
}

/** Kills the command and its worker at once, as a power cut does. */
async function killIn(dir: string): Promise<void> {
  const { stdout } = await new Deno.Command("pgrep", { args: ["-f", dir] }).output();
  for (const pid of new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "")) {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it ended with its parent
    }
  }
}

/** Trains into a folder with kills at ascending steps, and resumes from the folder. */
async function trainKilled(
  options: string[],
  { dir, kills }: { dir: string; kills: number[] },
): Promise<void> {
  let resumed = 0;
  for (const step of kills) {
    const going = startTask("train", [...options, "--resume", "--out", dir]);
    const deadline = performance.now() + 300_000; // a busy machine takes minutes
    while (stepOf(dir) < step) {
      assert(performance.now() < deadline, `step ${step} was not reached`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await killIn(dir);
    await ended(going);
    const { events } = readJournal(filesOf(dir).journal);
    assert(
      !events.some(({ event }) => event === "finish"),
      `it was done before it was killed at step ${step}`,
    );
    resumed += events.filter(({ event }) => event === "resume").length;
  }
  const last = await runTask("train", ["--resume", "--out", dir]);
  assertEquals(last.code, 0, last.stderr);
  assertGreater(resumed, 0);
}

const alone = join(root, "alone");

Deno.test("train killed at five random steps and resumed has the results of an uninterrupted run", async () => {
  const { code, stderr } = await runTask("train", [...OPTIONS, "--out", alone]);
  assertEquals(code, 0, stderr);
  const random = createRandom(20261124, "kills");
  const kills = new Set<number>();
  while (kills.size < 5) kills.add(1 + random.integer(STEPS - 50));
  const dir = join(root, "killed");
  await trainKilled(OPTIONS, { dir, kills: [...kills].sort((a, b) => a - b) });
  const [got, want] = [outcomeOf(dir), outcomeOf(alone)];
  assertEqualRuns(got, want);
  const best = want.events.findLast((event) => event.event === "best")!;
  assert(best.event === "best" && best.step % 12 !== 0 && best.step > 0, "best and last checkpoint are one");
});

Deno.test("train with fused functions and blocked logits resumes bit for bit", async () => {
  const options = [
    ...["--data", text, "--steps", "16", "--checkpoint-every", "5", "--eval-every", "8", "--save-best"],
    // Activations of 2^17 numbers, and at least 2^24 logits.
    ...["--n-layer", "1", "--n-head", "4", "--n-embd", "256", "--seq", "64", "--batch", "8"],
    ...["--vocab", "gpt2", "--eval-tokens", "512", "--amp", "on", "--dropout", "0.1"],
  ];
  const undisturbed = join(root, "fused"), dir = join(root, "fused-killed");
  const { code, stderr } = await runTask("train", [...options, "--out", undisturbed]);
  assertEquals(code, 0, stderr);
  await trainKilled(options, { dir, kills: [6, 12] });
  assertEqualRuns(outcomeOf(dir), outcomeOf(undisturbed));
});

Deno.test("train resumes from a best checkpoint that is the latest", async () => {
  const dir = join(root, "best");
  const saved = (kind: "checkpoint" | "best") =>
    readJournal(filesOf(dir).journal).events.findLast(({ event }) => event === kind);
  const later = () => {
    const [last, best] = [saved("checkpoint"), saved("best")];
    return last?.event === "checkpoint" && best?.event === "best" && best.step > last.step;
  };
  do {
    const going = startTask("train", [...OPTIONS, "--resume", "--out", dir]);
    let over = false;
    going.status.then(() => over = true);
    const from = stepOf(dir);
    while (!over && (stepOf(dir) <= from + 12 || !later())) await new Promise((next) => setTimeout(next, 2));
    assert(!over, "it was done before its best checkpoint was the latest");
    await killIn(dir);
    await ended(going);
  } while (!later()); // the next checkpoint came between the look and the kill
  const { manifest } = filesOf(dir);
  editRecord(manifest, (text) => text.replace(/"cpuModel": ?"[^"]*"/, '"cpuModel":"Another CPU"'));
  const best = saved("best")!;
  assert(best.event === "best");
  const args = ["--out", dir, "--allow-environment-change"];
  const { code, stderr } = await runTask("train", [...OPTIONS, "--resume", ...args]);
  assertEquals(code, 0, stderr);
  const got = outcomeOf(dir);
  const resume = got.events.findLast(({ event }) => event === "resume")!;
  assert(resume.event === "resume");
  assertEquals(resume.step, best.step);
  assertEqualRuns(got, outcomeOf(alone));
});

Deno.test("train that was killed after its last checkpoint writes only its end", async () => {
  const want = outcomeOf(alone);
  const { journal } = filesOf(alone);
  const whole = await Deno.readTextFile(journal);
  const lines = whole.trimEnd().split("\n");
  for (const kept of [lines.length - 1, lines.length - 2]) {
    await Deno.writeTextFile(journal, lines.slice(0, kept).join("\n") + "\n");
    const { code, stderr } = await runTask("train", ["--resume", "--out", alone]);
    assertEquals(code, 0, stderr);
    const got = outcomeOf(alone);
    assertEqualRuns(got, want);
    assertEquals(got.events.at(-1)!.event, "finish");
  }
  await Deno.writeTextFile(journal, whole);
});

Deno.test("train without its best checkpoint starts over, with the same result", async () => {
  const want = outcomeOf(alone);
  const { journal, best } = filesOf(alone);
  const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
  await Deno.writeTextFile(journal, lines.slice(0, -1).join("\n") + "\n");
  await Deno.remove(best);
  const { code, stderr } = await runTask("train", ["--resume", "--out", alone]);
  assertEquals(code, 0, stderr);
  assertEqualRuns(outcomeOf(alone), want);
});

Deno.test("train reports damage in a checkpoint or a plan with the remedy", async (t) => {
  const { journal, checkpoint, best } = filesOf(alone);
  const plan = join(alone, "plan.json");
  const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
  await Deno.writeTextFile(journal, lines.slice(0, -1).join("\n") + "\n"); // it is not finished
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => i === bytes.length - 9 ? byte ^ 1 : byte);
  const edit = (change: (text: string) => string) => (bytes: Uint8Array) =>
    new TextEncoder().encode(change(withoutChecksums(new TextDecoder().decode(bytes))));
  const damages: [
    name: string,
    file: string,
    change: (bytes: Uint8Array) => Uint8Array,
    told: RegExp,
    code: number,
  ][] = [
    [
      "a checkpoint cut short",
      checkpoint,
      (bytes) => bytes.subarray(0, 5000),
      /expected a complete safetensors file/,
      3,
    ],
    ["an empty checkpoint", checkpoint, () => new Uint8Array(), /expected a complete safetensors file/, 3],
    ["a bit of a weight", checkpoint, flip, /its checksum is .*delete the run's folder/, 3],
    ["a bit of the best checkpoint", best, flip, /best\.safetensors: .*its checksum is/, 3],
    [
      "another checkpoint of the same step",
      checkpoint,
      (bytes) => {
        const { tensors, metadata } = decodeSafetensors(bytes.slice(), "it");
        tensors["wte.weight"]!.values[0]! += 1;
        return encodeSafetensors({ tensors, metadata });
      },
      new RegExp(`as the journal records for step ${STEPS}.*delete the run's folder`),
      3,
    ],
    ["a plan cut short", plan, (bytes) => bytes.subarray(0, 200), /expected a sweep's plan/, 2],
    ["an empty plan", plan, () => new Uint8Array(), /expected a sweep's plan/, 2],
    ["a plan without a field", plan, edit((text) => text.replace(/"lr": [^\n]*\n/, "\n")), /spec\.lr/, 2],
    [
      "a plan with another field",
      plan,
      edit((text) => text.replace('"clip": 1,', '"clip": 2,')),
      /plan\.json: expected the spec, text and code of run [0-9a-f]{12}, got those of run /,
      2,
    ],
    [
      "a plan of no runs",
      plan,
      edit((text) => text.replace(/"runs": \[[^]*\]/, '"runs": []')),
      /plan\.json: expected a checksum, as this version of losskit writes it, got none/,
      2,
    ],
  ];
  for (const [name, file, change, told, wanted] of damages) {
    await t.step(name, async () => {
      const whole = Deno.readFileSync(file);
      const changed = change(whole);
      assert(!equalBytes(changed, whole));
      Deno.writeFileSync(file, changed);
      try {
        const { code, stderr } = await runTask("train", ["--resume", "--out", alone]);
        assertEquals(code, wanted, stderr);
        assertMatch(stderr, told);
        assert(!stderr.includes("    at "), stderr);
        assertEquals(Deno.readFileSync(file), changed);
      } finally {
        Deno.writeFileSync(file, whole);
      }
    });
  }
  const { code, stderr } = await runTask("train", ["--resume", "--out", alone]);
  assertEquals(code, 0, stderr);
});

Deno.test("train continues after a NaN loss and resumes from its journal", async () => {
  const dir = join(root, "wild");
  const wild = [
    "--lr",
    "1e6",
    "--min-lr",
    "0",
    "--clip",
    "0",
    "--warmup-steps",
    "0",
    "--save-best",
    "--ema-decay",
    "0.5",
  ];
  const args = [
    ...wild,
    "--data",
    text,
    ...MODEL,
    "--steps",
    "20",
    "--eval-every",
    "5",
    "--checkpoint-every",
    "5",
  ];
  assertEquals((await runTask("train", [...args, "--out", dir])).code, 0);
  const want = outcomeOf(dir);
  assert(want.events.some((event) => event.event === "eval" && Number.isNaN(event.loss)));
  assertStringIncludes(await Deno.readTextFile(filesOf(dir).journal), '"loss":"NaN"');
  // The state after a kill following the checkpoint of step 10.
  const whole = await Deno.readTextFile(filesOf(dir).journal);
  const cut = whole.slice(0, whole.indexOf('{"event":"step","step":13'));
  const again = join(root, "wild-again");
  const stopped = await runTask("train", [...args, "--out", again]);
  assertEquals(stopped.code, 0, stopped.stderr);
  const { journal, checkpoint } = filesOf(again);
  await Deno.writeTextFile(journal, cut);
  await Deno.remove(checkpoint);
  assertEquals((await runTask("train", ["--resume", "--out", again])).code, 0);
  assertEqualRuns(outcomeOf(again), want);
});

const WRONG: [string, string[], RegExp][] = [
  [
    "a batch that is no number",
    ["--batch", "abc"],
    /--batch: expected a whole number from 1 to 1,048,576, got abc/,
  ],
  ["half a sequence", ["--batch", "1.5"], /--batch: expected a whole number/],
  ["no threads", ["--threads", "0"], /--threads: expected a whole number from 1 to 1,024, got 0/],
  ["too many threads", ["--threads", "1000000"], /--threads: expected a whole number/],
  ["a list of T", ["--seq", ","], /--seq: expected a whole number/],
  ["two T", ["--seq", "32,64"], /--seq: expected a whole number/],
  ["two policies", ["--amp", "off,on"], /--amp: expected one name, got 2/],
  ["no vocabulary", ["--vocab", ","], /--vocab: expected one name, got 0/],
  ["a rate that is NaN", ["--lr", "NaN"], /expected lr to be /],
  ["an infinite rate", ["--lr", "Infinity"], /expected lr to be /],
  ["an hexadecimal rate", ["--lr", "0x10"], /expected lr to be a number, got "0x10"/],
  ["a floor above the peak", ["--min-lr", "1"], /expected minLr to be at most lr/],
  [
    "a schedule that there is not",
    ["--schedule", "step"],
    /expected schedule to be one of cosine, linear, constant, wsd/,
  ],
  ["a floor for a constant rate", ["--schedule", "constant", "--min-lr", "0"], /minLr has no effect/],
  ["wsd that does not decay", ["--schedule", "wsd"], /expected decaySteps to be at least 1/],
  [
    "a decay longer than the run",
    ["--schedule", "wsd", "--decay-steps", "600"],
    /expected decaySteps to be .* at most/,
  ],
  ["a decay without wsd", ["--decay-steps", "10"], /expected the schedule wsd with decaySteps/],
  ["an optimizer that there is not", ["--optimizer", "lion"], /expected optimizer to be one of adamw, sgd/],
  ["momentum in AdamW", ["--momentum", "0.9"], /expected the optimizer sgd with momentum/],
  [
    "AdamW's rate in SGD",
    ["--optimizer", "sgd", "--beta1", "0.9"],
    /beta1 has no effect with the optimizer sgd/,
  ],
  [
    "Nesterov without momentum",
    ["--optimizer", "sgd", "--nesterov"],
    /expected momentum to be above 0 with nesterov/,
  ],
  ["a momentum of 1", ["--optimizer", "sgd", "--momentum", "1"], /expected momentum to be below 1/],
  [
    "micro-batches that do not divide",
    ["--batch", "8", "--accumulate", "3"],
    /expected accumulate to divide/,
  ],
  ["an average that never moves", ["--ema-decay", "1"], /expected emaDecay to be below 1/],
  ["a smoothing below 0", ["--label-smoothing", "-0.1"], /expected labelSmoothing to be at least 0/],
  ["a z-loss that is no number", ["--z-loss", "much"], /expected zLoss to be a number/],
  [
    "evaluations below T",
    ["--eval-tokens", "10"],
    /expected evalTokens to be at least every T in seq, or all/,
  ],
  [
    "some evaluations",
    ["--eval-tokens", "some"],
    /expected evalTokens to be a whole number of at least 1, or all/,
  ],
  ["half a patience", ["--patience", "0.5"], /expected patience to be a whole number/],
  [
    "a delta without comparison",
    ["--min-delta", "0.1"],
    /expected patience above 0 or saveBest with minDelta/,
  ],
  ["a dropout of 1", ["--dropout", "1"], /expected dropout to be below 1/],
  ["an activation that there is not", ["--activation", "tanh"], /expected activation to be one of gelu/],
  ["an execution that there is not", ["--execution", "fast"], /expected execution to be one of graph, eager/],
  ["a LayerNorm of nothing", ["--layer-norm-eps", "0"], /expected layerNormEps to be above 0/],
  ["a seed below 0", ["--seed", "-1"], /expected seed to be at least 0/],
  ["no steps", ["--steps", "0"], /expected steps to be at least 1/],
  ["no folder", ["--out", " "], /Cannot use --out: expected a folder, got an empty name/],
];

Deno.test("train reports invalid and contradictory values with status 2, and starts nothing", async () => {
  const out = join(root, "wrong");
  const check = async ([name, args, message]: typeof WRONG[number]) => {
    const given = ["--data", text, ...(args.includes("--out") ? [] : ["--out", out]), ...args];
    const { code, stdout, stderr } = await runTask("train", given);
    assertEquals([code, stdout], [2, ""], `${name}: ${stderr}`);
    assertMatch(stderr, message, name);
    assert(!stderr.includes("    at "), `a stack trace: ${stderr}`);
  };
  // Two concurrent commands, for the two cores of the smallest machine.
  for (let i = 0; i < WRONG.length; i += 2) await Promise.all(WRONG.slice(i, i + 2).map(check));
  assertEquals([...Deno.readDirSync(root)].some(({ name }) => name === "wrong"), false);
});

Deno.test("train --resume refuses values that differ from the plan, and a sweep's folder", async () => {
  const other = await runTask("train", ["--resume", "--out", alone, "--lr", "0.5"]);
  assertEquals(other.code, 2);
  assertMatch(other.stderr, /another plan: run 1 has lr 0.001, expected 0.5/);
  const dir = join(root, "two");
  await Deno.mkdir(dir);
  await Deno.copyFile(join(alone, "plan.json"), join(dir, "plan.json"));
  editPlan(join(dir, "plan.json"), (plan) => {
    const spec = { ...plan.runs[0]!.spec, seed: 2 };
    const id = runIdOf({ spec, dataSha256: plan.data.sha256, libSha256: plan.libSha256 });
    return { ...plan, runs: [...plan.runs, { id, spec }] };
  });
  const sweep = await runTask("train", ["--resume", "--out", dir]);
  assertEquals(sweep.code, 2);
  assertMatch(sweep.stderr, /got a plan of 2 runs/);
});
