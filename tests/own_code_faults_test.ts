// @heavy
/**
 * Modules of users that exit, hang, fail outside of a call, depend on chance, or change what all code shares.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { exists } from "../lib/file/exists.ts";
import { effectiveEvents, readRuns } from "../lib/record/mod.ts";
import { noteWhile } from "../lib/run/_isolated.ts";
import { recordRun, type RunSpecInput, sweep, type SweepSpecInput } from "../lib/study/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";

const root = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const data = join(root, "text.txt");
await Deno.writeTextFile(data, sampleText());

const RATE = "export default () => 1e-3;\n";
/** Source of an architecture whose hidden states are token embeddings. */
const model = (
  { before = "", parameters = "", forward = "return x;" }: {
    before?: string;
    parameters?: string;
    forward?: string;
  },
) =>
  `import * as tf from "@tensorflow/tfjs";\n${before}\nexport default {\n` +
  `  parameters: ({ vocabSize: V, nEmbd: C }) => ({ "wte.weight": { shape: [V, C] }, ${parameters} }),\n` +
  `  forward({ parameters, tokens, config }) {\n    const x = tf.gather(parameters["wte.weight"], tf.reshape(tokens, [-1]));\n` +
  `    ${forward}\n  },\n};\n`;

async function write(name: string, text: string): Promise<string> {
  const path = join(root, name);
  await Deno.writeTextFile(path, text);
  return path;
}

const SIZES = { data, T: 8, B: 4, steps: 8, nLayer: 1, nHead: 2, nEmbd: 16 };
const FLAGS = "--seq 8 --batch 4 --steps 8 --n-layer 1 --n-head 2 --n-embd 16 --threads 1".split(" ");

/** Returns the arguments of `train` with a schedule of the user. */
function withSchedule(path: string, out: string): string[] {
  return ["--data", data, "--schedule", path, ...FLAGS, "--out", out];
}

type Case = [name: string, field: "architecture" | "loss" | "optimizer" | "schedule", text: string, RegExp];

const CASES: readonly Case[] = [
  [
    "exit.ts",
    "schedule",
    `Deno.exit(0);\n${RATE}`,
    /^Cannot use exit\.ts as schedule: .*"it called Deno\.exit\(\)" at exit\.ts:1:6\. Correct it\.$/,
  ],
  [
    "node_exit.ts",
    "loss",
    `import process from "node:process";\nprocess.exit(0);\n${RATE}`,
    /"it called Deno\.exit\(\)" at node_exit\.ts:2:9/,
  ],
  [
    "data_exit.ts",
    "schedule",
    `await import("data:application/javascript,Deno.exit(0)");\n${RATE}`,
    /^Cannot use data_exit\.ts as schedule: .*"it called Deno\.exit\(\)"/,
  ],
  [
    "package.ts",
    "schedule",
    `import "npm:left-pad@1.3.0";\n${RATE}`,
    /expected packages of losskit, such as @tensorflow\/tfjs, got npm:left-pad@1\.3\.0 at package\.ts:1/,
  ],
  [
    "killed.ts",
    "schedule",
    `Deno.kill(Deno.pid, "SIGKILL");\n${RATE}`,
    /^Cannot import killed\.ts: signal SIGKILL ended the process\.$/,
  ],
  [
    "floating.ts",
    "schedule",
    `Promise.reject(new Error("no such file"));\n${RATE}`,
    /got "no such file" at floating\.ts:1:16\. Correct it\.$/,
  ],
  [
    "rejected.ts",
    "schedule",
    `await Promise.reject();\n${RATE}`,
    /^Cannot use rejected\.ts as schedule: expected a module that loads, got "undefined"/,
  ],
  [
    "endless.ts",
    "schedule",
    `await new Promise(() => {});\n${RATE}`,
    /^Cannot import endless\.ts: a promise that it awaits at the top level never resolves\. Correct the module\.$/,
  ],
  [
    "exit_later.ts",
    "schedule",
    "export default (step) => step > 2 ? Deno.exit(0) : 1e-3;\n",
    /^Cannot run .* of exit_later\.ts: it called Deno\.exit\(\) at exit_later\.ts:1:42/,
  ],
  [
    "reject_later.ts",
    "schedule",
    'export default (step) => {\n  if (step === 2) Promise.reject(new Error("lost"));\n  return 1e-3;\n};\n',
    /^Cannot use reject_later\.ts: a promise was rejected outside of a call, with "lost" at reject_later\.ts:2:34/,
  ],
  [
    "random.ts",
    "schedule",
    "export default () => 1e-3 * Math.random();\n",
    /for the learning rate of step 1, and .* Remove Math\.random\(\) at random\.ts:1:34 from the module\.$/,
  ],
  [
    "jitter.ts",
    "schedule",
    "const jitter = Math.random();\nexport default () => 1e-3 * jitter;\n",
    /Remove Math\.random\(\) at jitter\.ts:1:21/,
  ],
  [
    "clock.ts",
    "schedule",
    "const start = performance.now();\nexport default () => start;\n",
    /Remove performance\.now\(\) at clock\.ts:1:27/,
  ],
  [
    "counter.ts",
    "schedule",
    "let calls = 0;\nexport default () => 1e-3 / ++calls;\n",
    /for lr at step 3, and .* after a resume\. Remove random numbers, clocks and counters/,
  ],
  [
    "late_throw.ts",
    "schedule",
    'export default (step) => {\n  if (step === 7) throw new Error("boom");\n  return 1e-3;\n};\n',
    /boom at late_throw\.ts:2:25/,
  ],
  ["late_nan.ts", "schedule", "export default (step) => step === 7 ? NaN : 1e-3;\n", /got NaN at step 7/],
  ["promise.ts", "schedule", "export default Promise.resolve(() => 1e-3);\n", /got a promise \(await it\)/],
  [
    "class.ts",
    "optimizer",
    "export default class {\n  init() {}\n  update() {}\n}\n",
    /got a class \(export an instance of it\)/,
  ],
  [
    "getter.ts",
    "optimizer",
    'export default {\n  get init() { throw new Error("not ready"); },\n  update() {},\n};\n',
    /^Cannot run init of getter\.ts: not ready at getter\.ts:2:22/,
  ],
  [
    "trap.ts",
    "architecture",
    'export default new Proxy({}, { get() { throw "trap"; } });\n',
    /^Cannot run parameters of trap\.ts: trap\. Correct the module\.$/,
  ],
  [
    "json.ts",
    "schedule",
    `JSON.stringify = () => "patched";\n${RATE}`,
    /expected a module that leaves JSON\.stringify as it is/,
  ],
  [
    "variable.ts",
    "schedule",
    `Deno.env.set("TF_ENABLE_ONEDNN_OPTS", "0");\n${RATE}`,
    /leaves the environment variable TF_ENABLE_ONEDNN_OPTS as it is/,
  ],
  ["folder.ts", "schedule", `Deno.chdir("/");\n${RATE}`, /leaves the current folder as it is/],
  [
    "patched_later.ts",
    "architecture",
    model({ forward: "Math.sqrt = () => 1; return x;" }),
    /^Cannot use patched_later\.ts: expected a module that leaves Math\.sqrt as it is/,
  ],
  [
    "backend.ts",
    "architecture",
    model({ before: 'await tf.setBackend("cpu");' }),
    /leaves TF\.js as it is, got its backend cpu/,
  ],
  [
    "unused.ts",
    "architecture",
    model({ parameters: "u: { shape: [3] }" }),
    /^Cannot train: expected a loss that depends on every parameter, got no gradient of u\./,
  ],
  [
    "proto.ts",
    "architecture",
    model({ parameters: '["__proto__"]: { shape: [3] }' }),
    /expected names of parameters other than __proto__/,
  ],
  [
    "std.ts",
    "architecture",
    model({ parameters: 'u: { shape: [3], std: "big" }' }),
    /expected a finite std of at least 0 for the parameter u, got big/,
  ],
  ["int.ts", "architecture", model({ forward: 'return tf.cast(x, "int32");' }), /got a tensor of int32/],
  ["disposed.ts", "architecture", model({ forward: "x.dispose(); return x;" }), /got a disposed tensor/],
  ["async.ts", "architecture", model({}).replace("forward(", "async forward("), /got a promise/],
  [
    "config.ts",
    "architecture",
    model({ forward: "config.nEmbd = 3; return x;" }),
    /^Cannot run forward\(\) of config\.ts: Cannot assign to read only property 'nEmbd'.* at config\.ts:7:/,
  ],
  [
    "nothing.ts",
    "architecture",
    model({ forward: "throw Object.create(null);" }),
    /^Cannot run forward\(\) of nothing\.ts: \[Object: null prototype\] \{\}\. Correct the module\.$/,
  ],
];

Deno.test("a module that exits, hangs, or depends on chance is refused in one sentence, and nothing starts", async () => {
  const dir = join(root, "refused");
  for (const [name, field, text, message] of CASES) {
    const fields = { ...SIZES, [field]: await write(name, text) } as RunSpecInput;
    const error = await assertRejects(
      () => recordRun(fields, { dir, threads: 1, progress: { write: () => {} } }),
      UserError,
      undefined,
      name,
    );
    assertMatch(error.message, message, name);
    assertEquals(error.message.split("\n").length, 1, name);
    assert(!exists(dir), name);
  }
});

Deno.test("an instance of a class keeps its this and its private fields", async () => {
  const text = `import * as tf from "@tensorflow/tfjs";
class Model {
  #scale = 2;
  parameters({ vocabSize: V, nEmbd: C }) {
    return { "wte.weight": { shape: [V, C], std: 0.01 * this.#scale } };
  }
  forward({ parameters, tokens }) {
    return this.scaled(tf.gather(parameters["wte.weight"], tf.reshape(tokens, [-1])));
  }
  scaled(x) {
    return tf.mul(x, this.#scale);
  }
}
class Sgd {
  #slots = {};
  init() {
    return this.#slots;
  }
  update({ parameters, gradients, lr, state }) {
    const step = (name) => tf.sub(parameters[name], tf.mul(lr, gradients[name]));
    return { parameters: Object.fromEntries(Object.keys(parameters).map((name) => [name, step(name)])), state };
  }
}
class Rate {
  #peak = 0.5;
  of(step) {
    return this.#peak / step;
  }
}
const rate = new Rate();
export const schedule = (step) => rate.of(step);
export const optimizer = Object.freeze(new Sgd());
export default new Model();
`;
  const path = await write("instance.ts", text), dir = join(root, "instance");
  const fields = {
    ...SIZES,
    architecture: path,
    optimizer: `${path}#optimizer`,
    schedule: `${path}#schedule`,
  } as never as RunSpecInput;
  const { exitCode } = await recordRun(fields, { dir, threads: 1, progress: { write: () => {} } });
  assertEquals(exitCode, 0);
  const { steps } = effectiveEvents(readRuns(dir)[0]!.events);
  assertEquals(steps.map(({ lr }) => lr), [1, 2, 3, 4, 5, 6, 7, 8].map((step) => 0.5 / step));
  assert(steps[7]!.loss < steps[0]!.loss, `${steps[0]!.loss} to ${steps[7]!.loss}`);
});

Deno.test("a run may start from a run with an own architecture, also on an axis", async () => {
  const path = await write(
    "source.ts",
    model({ parameters: "u: { shape: [C, C] }", forward: "return tf.matMul(x, parameters.u);" }),
  );
  const from = join(root, "source"), quiet = { threads: 1, progress: { write: () => {} } };
  await recordRun({ ...SIZES, architecture: path } as never as RunSpecInput, { dir: from, ...quiet });
  const [source] = readRuns(from), folder = join(from, "runs", source!.manifest.runId);
  const { evals } = effectiveEvents(source!.events);
  const base = { data, seq: [8], tokensPerStep: 32, steps: 2, seeds: [1], policy: ["float32"] };
  const dir = join(root, "started");
  const runs = await sweep(
    { ...base, axes: { initFrom: [folder], lr: [1e-3, 1e-4] } } as never as SweepSpecInput,
    { dir, workers: 1, progress: { write: () => {} } },
  );
  assertEquals(runs.length, 2);
  for (const { events, manifest: { spec } } of runs) {
    assertEquals(spec.architecture, source!.manifest.spec.architecture);
    assertEquals(effectiveEvents(events).evals[0]!.loss, evals.at(-1)!.loss);
  }
  const same = { data, T: 8, B: 4, steps: 2, initFrom: folder };
  const again = await recordRun({ ...same, architecture: path } as never as RunSpecInput, {
    dir: join(root, "same"),
    ...quiet,
  });
  assertEquals(again.exitCode, 0);
  const other = await write(
    "source.ts",
    model({
      parameters: "u: { shape: [C, C] }",
      forward: "return tf.matMul(parameters.u, x, true, true).transpose();",
    }),
  );
  const error = await assertRejects(
    () =>
      recordRun({ ...same, architecture: other } as never as RunSpecInput, {
        dir: join(root, "other"),
        ...quiet,
      }),
    UserError,
  );
  assertMatch(
    error.message,
    /expected the architecture source@[0-9a-f]{12}, as the model has, got source@[0-9a-f]{12}\. Omit architecture/,
  );
});

Deno.test("a module's timers neither end a command silently nor keep it alive", async () => {
  const exiting = await write("timer.ts", `setTimeout(() => Deno.exit(0), 700);\n${RATE}`);
  const out = join(root, "timer");
  const failed = await runTask("train", withSchedule(exiting, out));
  assertEquals(failed.code, 2);
  assertMatch(
    failed.stderr,
    /^Cannot use timer\.ts: a callback failed outside of a call, with "it called Deno\.exit\(\)" at timer\.ts:1:23\. Correct the module\.$/m,
  );
  const ticking = await write("ticking.ts", `setInterval(() => {}, 1000);\n${RATE}`);
  // The first command may have written its plan to `out`.
  const { code, stderr } = await runTask("train", withSchedule(ticking, join(root, "ticking")));
  assertEquals(code, 0, stderr);
});

Deno.test("a run whose process ends early or rejects a promise has failed, with status 3", async () => {
  // The check trains 3 steps, and the run 8.
  const worker = 'Deno.mainModule.endsWith("/worker.ts")';
  for (
    const [name, text, reason] of [
      [
        "ends.ts",
        `export default (step) => {\n  if (${worker} && step === 5) Deno.exit(0);\n  return 1e-3;\n};\n`,
        /it called Deno\.exit\(\) at ends\.ts:2:/,
      ],
      [
        "rejects.ts",
        `export default (step) => {\n  if (${worker} && step === 5) Promise.reject("gone");\n  return 1e-3;\n};\n`,
        /a promise was rejected outside of a call, with "gone"/,
      ],
    ] as const
  ) {
    const out = join(root, `out-${name}`), path = await write(name, text);
    const { code, stderr } = await runTask("train", withSchedule(path, out));
    assertEquals(code, 3, stderr);
    assertMatch(stderr, reason);
    const [run] = readRuns(out);
    assertEquals(run!.status, "failed");
  }
});

Deno.test("noteWhile() prints notes until the work is done", async () => {
  const done = Promise.withResolvers<string>(), notes: string[] = [];
  const result = noteWhile(done.promise, (seconds) => `after ${seconds} s`, {
    every: 1,
    print: (note) => {
      notes.push(note);
      if (notes.length === 2) done.resolve("result");
    },
  });
  assertEquals(await result, "result");
  assertEquals(notes, ["after 0 s", "after 0 s"]);
});

Deno.test("Ctrl-C ends a check that hangs", async () => {
  const started = join(root, "looping");
  const path = await write(
    "loop.ts",
    `export default () => {\n  Deno.writeTextFileSync("${started}", String(Deno.pid));\n  for (;;);\n};\n`,
  );
  const child = startTask("train", withSchedule(path, join(root, "loop")));
  const pid = () => exists(started) ? Number(Deno.readTextFileSync(started)) : 0;
  while (pid() === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended(child);
  assertEquals([code, stdout, stderr], [130, "", ""]);
  while (exists(`/proc/${pid()}`)) await new Promise((resolve) => setTimeout(resolve, 50)); // it ends with the command
});

Deno.test("a check that hangs, also at import, ends with its killed command", async () => {
  for (const [name, where] of [["import.ts", ""], ["step.ts", "export default () => {"]] as const) {
    const started = join(root, `started-${name}`);
    const loop = `${where}\n  Deno.writeTextFileSync("${started}", String(Deno.pid));\n  for (;;);\n`;
    const path = await write(name, loop + (where === "" ? RATE : "};\n"));
    const child = startTask("train", withSchedule(path, join(root, `out-${name}`)));
    const output = ended(child);
    const pid = () => exists(started) ? Number(Deno.readTextFileSync(started)) : 0;
    while (pid() === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill("SIGKILL");
    assertEquals((await output).code, 128 + 9);
    while (exists(`/proc/${pid()}`)) await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

Deno.test("a second Ctrl-C ends a run whose step does not return", async () => {
  const started = join(root, "stuck"), out = join(root, "out-stuck");
  const path = await write(
    "stuck.ts",
    `export default (step) => {\n  if (Deno.mainModule.endsWith("/worker.ts") && step === 5) {\n` +
      `    Deno.writeTextFileSync("${started}", "");\n    for (;;);\n  }\n  return 1e-3;\n};\n`,
  );
  const child = startTask("train", withSchedule(path, out));
  const output = ended(child);
  let isOver = false;
  output.then(() => isOver = true);
  while (!exists(started)) await new Promise((resolve) => setTimeout(resolve, 50));
  while (!isOver) {
    child.kill("SIGINT");
    await Promise.race([output, new Promise((resolve) => setTimeout(resolve, 1500))]);
  }
  const { code, stderr } = await output;
  assertEquals(code, 75, stderr);
  assertMatch(stderr, /Press Ctrl-C again to stop at once/);
});
