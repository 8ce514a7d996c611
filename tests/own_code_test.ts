// @heavy
/**
 * Modules of users as architecture, loss, optimizer and schedule: results, identity, resume, trust, and errors.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { dirname, join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { cacheDir } from "../lib/fetch/cache.ts";
import { exists } from "../lib/file/exists.ts";
import { contentHash } from "../lib/options/content_name.ts";
import { reproduceRun } from "../lib/proof/mod.ts";
import { compareJournals, effectiveEvents, readRun, type RecordedRun } from "../lib/record/mod.ts";
import { decodeSafetensors } from "../lib/model/mod.ts";
import {
  findCulprit,
  generateText,
  recordRun,
  type RunSpecInput,
  sweep,
  type SweepSpecInput,
  verifyResume,
} from "../lib/study/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const data = join(root, "text.txt");
await Deno.writeTextFile(data, sampleText());
const examples = join(dirname(import.meta.dirname!), "examples");
const example = (name: string) => join(examples, name);

const quiet = { print: () => {}, progress: { write: () => {} } };
const TINY: SweepSpecInput = {
  ...{ data, seq: [8], tokensPerStep: 32, vocab: ["character"], seeds: [1], policy: ["float32"] },
  ...{ nLayer: 2, nHead: 2, nEmbd: 16, steps: 4, warmupSteps: 0, evalBytes: 256, evalEvery: 3 },
};
const OWN: SweepSpecInput = {
  architecture: example("parallel_block.ts") as "gpt2",
  loss: example("focal_loss.ts") as "crossEntropy",
  optimizer: example("lion.ts") as "adamw",
  schedule: `${example("schedules.ts")}#restart` as "cosine",
};

/** Folder of a run in a sweep's folder. */
const folderOf = (dir: string, run: RecordedRun) => join(dir, "runs", run.manifest.runId);
const weightsOf = (folder: string) =>
  decodeSafetensors(Deno.readFileSync(join(folder, "checkpoint.safetensors")), folder).tensors;

Deno.test("examples/llama.ts gives the losses, probes and weights of the built-in LLaMA, in every precision", async () => {
  const dir = join(root, "llama");
  const runs = await sweep({
    ...TINY,
    policy: ["float32", "bf16-autocast"],
    axes: {
      architecture: ["llama", example("llama.ts")],
      overrides: [[], [{ opClasses: ["softmax", "gelu"], layers: ["h.1"], format: "e8m3" }]],
    },
    ...{ norm: "rmsNorm", position: "rotary", activation: "swiglu", bias: false, tiedHead: false },
    ...{ nKvHead: 1, probeEvery: 2 },
  }, { dir, workers: 2, ...quiet });
  assertEquals(runs.length, 8);
  const own = runs.filter(({ manifest }) => contentHash(manifest.spec.architecture) !== undefined);
  assertEquals(own.length, 4);
  const losses = new Set<number>();
  for (const run of own) {
    const { policy, overrides } = run.manifest.spec;
    const builtIn = runs.find(({ manifest: { spec } }) =>
      spec.architecture === "llama" && spec.policy === policy && String(spec.overrides) === String(overrides)
    )!;
    assertEquals(compareJournals(run.events, builtIn.events), undefined, policy);
    assertEquals(weightsOf(folderOf(dir, run)), weightsOf(folderOf(dir, builtIn)));
    losses.add(effectiveEvents(run.events).steps.at(-1)!.loss);
  }
  assertEquals(losses.size, 4, "the policy and the overrides change the loss");
  // The search for a culprit replays a step of the user's model, and finds the same.
  const culpritOf = async (all: readonly RecordedRun[]) => {
    const [baseline, other] = ["float32", "bf16-autocast"].map((policy) =>
      all.find(({ manifest: { spec } }) => spec.policy === policy && spec.overrides.length === 0)!
    );
    const group = { setting: "llama", pairs: [{ baseline, other }] } as never as Parameters<
      typeof findCulprit
    >[0];
    return (await findCulprit(group, { dir, print: () => {} })).sentence;
  };
  assertEquals(await culpritOf(own), await culpritOf(runs.filter((run) => !own.includes(run))));
});

Deno.test("runs with modules of every field resume after kills, reproduce, generate, and stay independent of the files", async () => {
  const spec = { ...TINY, ...OWN, lr: 1e-3, policy: ["float32", "bf16-autocast"] } as SweepSpecInput;
  const long = { ...spec, steps: 30, checkpointEvery: 4, probeEvery: 5, emaDecay: 0.9 };
  const { problems, resumed } = await verifyResume(long, { kills: 3, workers: 1, print: () => {} });
  assertEquals([problems, resumed > 0], [[], true]);
  const dir = join(root, "own");
  const [run] = await sweep({ ...spec, policy: ["float32"] }, { dir, ...quiet });
  const { spec: recorded } = run!.manifest, folder = folderOf(dir, run!);
  assertMatch(recorded.schedule, /^schedules@[0-9a-f]{12}#restart$/);
  const { steps } = effectiveEvents(run!.events);
  // restart() falls from lr half of the way to minLr, twice
  const rates = steps.map(({ lr }) => lr);
  assertEquals([rates[0], rates[3]], [1e-3, rates[1]]);
  assertAlmostEquals(rates[1]!, 1e-3 + (1e-4 - 1e-3) / 2, 1e-12);
  const names = Object.keys(weightsOf(folder));
  assert(names.includes("sgd.momentum.h.0.qkv.weight") && names.includes("h.1.down.weight"), String(names));
  assert((await generateText(folder, { prompt: "the ", maxNewTokens: 12 })).length > 4);
  const reported = await runTask("report", [dir]); // another process, which loads no code
  assertEquals(reported.code, 0, reported.stderr);
  const reproduced = await reproduceRun(folder, { print: () => {} });
  assertEquals(reproduced.answer, "identical");
});

Deno.test("recorded code runs only if the user named it before, or trusts the folder", async () => {
  const module = join(root, "trusted.ts");
  await Deno.writeTextFile(module, `export default (step, { lr }) => lr / (step + ${Math.random()});\n`);
  const dir = join(root, "trust");
  const { plan } = await recordRun(
    { data, T: 8, B: 4, steps: 2, nLayer: 1, nHead: 2, nEmbd: 16, schedule: module as "cosine" },
    { dir, ...quiet },
  );
  const { id, spec } = plan.runs[0]!, folder = join(dir, "runs", id);
  const hash = contentHash(spec.schedule)!, cached = join(cacheDir(), "code", hash);
  await Deno.remove(module);
  const attempt = async (args: string[], task: string) => {
    const { code, stderr, stdout } = await runTask(task, args);
    return [code, `${stdout}${stderr}`] as const;
  };
  await Deno.remove(cached, { recursive: true });
  const untrusted = /expected a module that you named in a spec or command/;
  for (
    const [task, args] of [["reproduce", [folder]], ["evaluate", [folder]], ["train", [
      "--resume",
      "--out",
      dir,
    ]]] as const
  ) {
    const [code, text] = await attempt([...args], task);
    assertEquals(code, 2, text);
    assertMatch(text, untrusted);
    assert(!exists(cached));
  }
  // A changed copy is refused even if the user trusts the folder.
  const copy = join(dir, "inputs", hash, "trusted.ts"), text = await Deno.readTextFile(copy);
  await Deno.writeTextFile(copy, `${text}// changed`);
  assertMatch(
    (await attempt(["--run-recorded-code", folder], "reproduce"))[1],
    /expected the files of trusted@/,
  );
  await Deno.writeTextFile(copy, text);
  const [code, output] = await attempt(["--run-recorded-code", folder], "reproduce");
  assertEquals(code, 0, output);
  assertMatch(output, /^identical$/m);
  assert(exists(cached));
  assertEquals((await attempt([folder, "--text", "the cat"], "evaluate"))[0], 0);
});

Deno.test("the ID of a run depends on a module and its local imports, and not on their place", async () => {
  const write = async (name: string, factor: number) => {
    const folder = join(root, name);
    await Deno.mkdir(join(folder, "parts"), { recursive: true });
    await Deno.writeTextFile(join(folder, "parts", "factor.ts"), `export const FACTOR = ${factor};\n`);
    await Deno.writeTextFile(
      join(folder, "rate.ts"),
      'import { FACTOR } from "./parts/factor.ts";\nexport default (_step: number, { lr }: { lr: number }) => lr * FACTOR;\n',
    );
    await Deno.writeTextFile(
      join(folder, "spec.json"),
      JSON.stringify({ ...TINY, steps: 2, schedule: "./rate.ts" }),
    );
    const out = join(folder, "out");
    const { code, stderr } = await runTask("sweep", [join(folder, "spec.json"), "--out", out]);
    assertEquals(code, 0, stderr);
    const [id] = [...Deno.readDirSync(join(out, "runs"))].map(({ name }) => name);
    return { id, rate: effectiveEvents(readRun(join(out, "runs", id!)).events).steps[0]!.lr };
  };
  const [first, same, other] = [
    await write("place-a", 0.5),
    await write("place-b", 0.5),
    await write("place-c", 0.25),
  ];
  assertEquals([first!.id, first!.rate], [same!.id, 5e-4]);
  assertNotEquals(first!.id, other!.id);
  assertEquals(other!.rate, 2.5e-4);
});

Deno.test("each run imports its modules in a process of its own", async () => {
  const path = join(root, "imported.ts"), log = join(root, "imported.txt");
  await Deno.writeTextFile(
    path,
    `Deno.writeTextFileSync("${log}", Deno.pid + "\\n", { append: true });\nexport default () => 1e-3;\n`,
  );
  const runs = await sweep({ ...TINY, seeds: [1, 2, 3], schedule: path as "cosine" }, {
    dir: join(root, "imported"),
    workers: 1,
    ...quiet,
  });
  assertEquals(runs.length, 3);
  const processes = new Set((await Deno.readTextFile(log)).trim().split("\n"));
  assertEquals(processes.size, 6, "the test, two checks and three runs");
});

Deno.test("a module may import a file of another part of the disk", async () => {
  const far = await Deno.makeTempDir({ dir: "/var/tmp" }); // only the root contains both files
  try {
    await Deno.writeTextFile(join(far, "rate.ts"), "export const RATE = 0.002;\n");
    const path = join(root, "far.ts");
    await Deno.writeTextFile(
      path,
      `import { RATE } from "${join(far, "rate.ts")}";\nexport default () => RATE;\n`,
    );
    const [run] = await sweep({ ...TINY, schedule: path as "cosine" }, {
      dir: join(root, "far"),
      workers: 1,
      ...quiet,
    });
    assertEquals(effectiveEvents(run!.events).steps.map(({ lr }) => lr), [0.002, 0.002, 0.002, 0.002]);
  } finally {
    await Deno.remove(far, { recursive: true });
  }
});

Deno.test("a module may lie in a folder with # in its name, with and without an export", async () => {
  const folder = join(root, "a#b");
  Deno.mkdirSync(folder);
  for (const name of ["focal_loss.ts", "schedules.ts"]) Deno.copyFileSync(example(name), join(folder, name));
  const own = (place: (name: string) => string) => ({
    loss: place("focal_loss.ts") as "crossEntropy",
    schedule: `${place("schedules.ts")}#restart` as "cosine",
  });
  const idsOf = async (place: (name: string) => string, dir: string) =>
    (await sweep({ ...TINY, ...own(place) }, { dir: join(root, dir), ...quiet })).map(({ manifest }) =>
      manifest.runId
    );
  assertEquals(await idsOf((name) => join(folder, name), "sharp"), await idsOf(example, "plain"));
});

Deno.test("docs/own_code.md shows examples/parallel_block.ts, whose block has at most 40 lines", async () => {
  const source = await Deno.readTextFile(example("parallel_block.ts"));
  const page = await Deno.readTextFile(join(dirname(examples), "docs", "own_code.md"));
  assert(page.includes(`\n${source}`));
  assert(source.slice(source.indexOf("const parallel")).trimEnd().split("\n").length <= 40);
});

Deno.test("wrong modules are one sentence each, with file and line, and start nothing", async () => {
  const write = async (name: string, text: string) => {
    const path = join(root, name);
    await Deno.writeTextFile(path, text);
    return path as never;
  };
  const model = (parameters: string, forward: string) =>
    `import * as tf from "@tensorflow/tfjs";\nexport default {\n  parameters: ({ vocabSize: V, nEmbd: C }) => (${parameters}),\n` +
    `  forward({ parameters, tokens, config }) {\n    ${forward}\n  },\n};\n`;
  const table = `{ "wte.weight": { shape: [V, C] } }`;
  const cases: [RunSpecInput, RegExp][] = [
    [
      { architecture: join(root, "none.ts") as never },
      /expected a module, got no file\. Correct the path\.$/,
    ],
    [
      { architecture: "mamba" as never },
      /expected architecture to be one of gpt2, llama, or the path of a module, got "?mamba/,
    ],
    [
      { schedule: `${example("schedules.ts")}#warm` as never },
      /^Cannot use schedules\.ts as schedule: expected the export warm to be a function of the step, got no such export \(exports: default, restart\)/,
    ],
    [
      { optimizer: example("focal_loss.ts") as never },
      /expected the export default to be an object with init\(\) and update\(\), got function/,
    ],
    [
      { architecture: await write("syntax.ts", "export default {{{") },
      /syntax\.ts: SyntaxError: .* at syntax\.ts:1:\d+\. Correct the module\.$/,
    ],
    [
      { architecture: await write("import.ts", 'import "./nowhere.ts";\nexport default {};\n') },
      /nowhere\.ts/,
    ],
    [
      { loss: await write("web.ts", 'import "https://example.org/x.ts";\nexport default () => 1;\n') },
      /expected imports of local files and packages, got https:\/\/example\.org\/x\.ts at web\.ts:1/,
    ],
    [
      {
        architecture: await write(
          "table.ts",
          model(`{ "wte.weight": { shape: [V, C + 1] } }`, "return tokens;"),
        ),
      },
      /Cannot use table\.ts: expected a parameter wte\.weight of shape \[\d+,16\] for the output head, got shape \[\d+,17\]/,
    ],
    [
      {
        architecture: await write(
          "shape.ts",
          model(`{ "wte.weight": { shape: [V, C] }, "h.0.w": { shape: [C, 1.5] } }`, ""),
        ),
      },
      /expected a shape of positive integers for the parameter h\.0\.w, got \[16,1\.5\]/,
    ],
    [
      {
        architecture: await write(
          "hidden.ts",
          model(table, "return tf.zeros([tokens.size, config.nEmbd + 1]);"),
        ),
      },
      /Cannot use hidden\.ts: expected forward\(\) to return a tensor of shape \[8,16\], got shape \[8,17\]/,
    ],
    [
      { architecture: await write("fails.ts", model(table, 'throw new Error("no such layer");')) },
      /^Cannot run forward\(\) of fails\.ts: no such layer at fails\.ts:5:\d+\. Correct the module\.$/,
    ],
    [
      { loss: await write("vector.ts", "export default (logits) => logits;\n") },
      /expected loss\(\) to return a scalar, got shape \[1,8,\d+\]/,
    ],
    [
      { schedule: await write("nan.ts", "export default () => NaN;\n") },
      /expected the schedule to return a learning rate of at least 0, got NaN at step 1/,
    ],
    [
      {
        optimizer: await write(
          "forgets.ts",
          "export default { init: () => ({}), update: ({ parameters: { ['wte.weight']: _, ...rest } }) => ({ parameters: rest, state: {} }) };\n",
        ),
      },
      /expected update\(\) of the optimizer to return parameters with wte\.weight of shape \[\d+,16\], got undefined/,
    ],
  ];
  const dir = join(root, "refused");
  for (const [fields, message] of cases) {
    const error = await assertRejects(
      () =>
        recordRun(
          { data, T: 8, B: 4, steps: 2, nLayer: 1, nHead: 2, nEmbd: 16, ...fields },
          { dir, threads: 1, ...quiet },
        ),
      UserError,
    );
    assertMatch(error.message, message);
    assertEquals(error.message.split("\n").length, 1, error.message);
    assert(!exists(dir), error.message);
  }
});
