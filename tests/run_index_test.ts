// @heavy
/**
 * `deno task cluster` and `deno task run --index` as jobs of a cluster, without the cluster's software.
 */
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { parse } from "yaml";
import { compareJournals, readJournal, readRun, runFolder, runPaths } from "../lib/record/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";
import { capture, pythonWith } from "./support/python.ts";

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
Deno.writeTextFileSync(text, sampleText(100));

const SMALL = {
  data: text,
  ...{ seq: [16], policy: ["float32"], vocab: ["character"], seeds: [1, 2, 3] },
  ...{ steps: 400, warmupSteps: 0, tokensPerStep: 128, nLayer: 1, nHead: 1, nEmbd: 16, evalTokens: 64 },
};

/** Writes a spec, its plan and the cluster's file into a folder. */
async function planned(name: string, spec: object, args: string[] = ["slurm"]): Promise<string> {
  const path = join(root, `${name}.json`), dir = join(root, name);
  Deno.writeTextFileSync(path, JSON.stringify(spec));
  const { code, stderr } = await runTask("cluster", [...args, path, "--out", dir]);
  assertEquals(code, 0, stderr);
  return dir;
}

function folderOf(dir: string, index: number): string {
  return runFolder(dir, readPlan(dir)!.runs[index]!.id);
}

function stepsOf(folder: string): number {
  return readJournal(runPaths(folder).journal).events.filter(({ event }) => event === "step").length;
}

async function stepsMade(folder: string, steps: number): Promise<void> {
  while (stepsOf(folder) < steps) await new Promise((resolve) => setTimeout(resolve, 50));
}

function assertEqualRuns(a: string, b: string): void {
  assertEquals(compareJournals(readRun(a).events, readRun(b).events), undefined);
  assertEquals(Deno.readFileSync(runPaths(a).checkpoint), Deno.readFileSync(runPaths(b).checkpoint));
}

Deno.test("run --index reads its index from a value, Slurm or Kubernetes, and ends at once for a finished run", async () => {
  const dir = await planned("index", { ...SMALL, steps: 5 });
  const ways: [string[], Record<string, string>][] = [
    [["--index", "0"], {}],
    [["--index"], { SLURM_ARRAY_TASK_ID: "1" }],
    [["--index"], { JOB_COMPLETION_INDEX: "2", SLURM_ARRAY_TASK_ID: "" }],
  ];
  for (const [index, [args, env]] of ways.entries()) {
    const { code, stderr } = await runTask("run", [dir, ...args], env);
    assertEquals(code, 0, stderr);
    assertEquals(readRun(folderOf(dir, index)).status, "finished");
  }
  const before = Deno.readFileSync(runPaths(folderOf(dir, 0)).journal);
  const again = await runTask("run", [dir, "--index", "0"]);
  assertEquals(again.code, 0);
  assertMatch(again.stderr, /is already finished/);
  assertEquals(Deno.readFileSync(runPaths(folderOf(dir, 0)).journal), before);
  // The folder is a sweep's folder with all runs finished.
  assertEquals((await runTask("sweep", [join(root, "index.json"), "--out", dir])).code, 0);
});

Deno.test("a run stopped by SIGTERM, SIGUSR1 and a deadline resumes to the same result", async () => {
  // Long enough that the run is still at work when the signal arrives.
  const long = { ...SMALL, steps: 4000, evalEvery: 4000, checkpointEvery: 4000 };
  const whole = await planned("whole", long), dir = await planned("stopped", long);
  assertEquals((await runTask("run", [whole, "--index", "0"])).code, 0);
  const folder = folderOf(dir, 0);
  let made = 0;
  for (const signal of ["SIGTERM", "SIGUSR1"] as const) {
    const child = startTask("run", [dir, "--index", "0"]);
    await stepsMade(folder, made + 40);
    child.kill(signal);
    const { code, stderr } = await ended(child);
    assertEquals(code, 75, stderr);
    assertMatch(stderr, /interrupted; repeat the command to resume/);
    const { events, status } = readRun(folder);
    const last = events.at(-1)!;
    assertEquals([status, last.event], ["unfinished", "checkpoint"]);
    made = stepsOf(folder);
  }
  // The margin begins now, so the run is stopped at once, after its current step.
  for (const args of [["--deadline", "1h", "--margin", "1h"], ["--deadline", "2020-01-01T00:00:00Z"]]) {
    const { code, stderr } = await runTask("run", [dir, "--index", "0", ...args]);
    assertEquals(code, 75);
    assertMatch(stderr, /^not started: the deadline, 20.*Z, minus the margin of .*, has passed/m);
  }
  assertEquals((await runTask("run", [dir, "--index", "0"], { SLURM_JOB_END_TIME: "1000" })).code, 75);
  const child = startTask("run", [dir, "--index", "0", "--deadline", "4s", "--margin", "1s"]);
  const { code } = await ended(child);
  if (code !== 0) { // on a fast machine it is done before
    assertEquals(code, 75);
    assertEquals((await runTask("run", [dir, "--index", "0", "--deadline", "1h"])).code, 0);
  }
  assert(readRun(folder).events.filter(({ event }) => event === "resume").length >= 2);
  assertEqualRuns(folder, folderOf(whole, 0));
});

Deno.test("two jobs never run one index concurrently", async () => {
  // The first job does not finish by itself, however long the second takes to start.
  const dir = await planned("twice", { ...SMALL, steps: 1e6, evalEvery: 1e6, checkpointEvery: 1e6 });
  const first = startTask("run", [dir, "--index", "1"]);
  await stepsMade(folderOf(dir, 1), 10);
  const second = await runTask("run", [dir, "--index", "1"]);
  assertEquals(second.code, 75, second.stderr);
  assertMatch(second.stderr, /another process owns it/);
  first.kill("SIGTERM");
  assertEquals((await ended(first)).code, 75);
  const { events } = readRun(folderOf(dir, 1));
  assert(!events.some(({ event }) => event === "resume" || event === "fail"));
  const steps = events.flatMap((event) => event.event === "step" ? [event.step] : []);
  assertEquals(steps, steps.map((_, i) => i + 1));
});

Deno.test("exit statuses distinguish forbidden divergence, invalid input and other failures", async () => {
  const diverging = await planned("diverging", {
    ...SMALL,
    steps: 20,
    lr: 1e6,
    minLr: 0,
    clip: 0,
    allowDivergence: false,
  });
  const diverged = await runTask("run", [diverging, "--index", "0"]);
  assertEquals(diverged.code, 4, diverged.stderr);
  assertMatch(diverged.stderr, /diverged/);

  const own = join(root, "own.txt");
  Deno.copyFileSync(text, own);
  const changed = await planned("changed", { ...SMALL, data: own, steps: 5 });
  Deno.writeTextFileSync(own, "another text", { append: true });
  const bad = await runTask("run", [changed, "--index", "0"]);
  assertEquals(bad.code, 2, bad.stderr);
  assertMatch(bad.stderr, /expected the text with SHA-256/);

  const dir = await planned("wrong", { ...SMALL, steps: 5 });
  const wrong: [string[], Record<string, string>, RegExp][] = [
    [[dir], {}, /expected --index/],
    [[dir, "--index"], {}, /got none/],
    [
      [dir, "--index"],
      { SLURM_ARRAY_TASK_ID: "0", JOB_COMPLETION_INDEX: "1" },
      /got SLURM_ARRAY_TASK_ID=0 and JOB_/,
    ],
    [[dir, "--index", "3"], {}, /from 0 to 2.*got 3/],
    [[dir, "--index", "-1"], {}, /--index: expected a whole number/],
    [[dir, "--index", "1.5"], {}, /--index: expected a whole number/],
    [[dir, "--index", "one"], {}, /--index: expected a whole number/],
    [[join(root, "nothing"), "--index", "0"], {}, /expected a folder with a plan/],
    [[dir, "--index", "0", "--deadline", "soon"], {}, /--deadline.*such as 2026-11-30T18:00:00Z.*got soon/],
    [[dir, "--index", "0", "--deadline", "2026-99-99T00:00:00Z"], {}, /--deadline/],
    [[dir, "--index", "0", "--margin", "-1"], {}, /--margin/],
  ];
  for (const [args, env, message] of wrong) {
    const { code, stdout, stderr } = await runTask("run", args, env);
    assertEquals([code, stdout], [2, ""], stderr);
    assertMatch(stderr, message);
    assert(!stderr.includes("    at "), stderr);
  }
  assertEquals([...Deno.readDirSync(join(dir, "runs"))], []);
});

const VALIDATE = `
import json, sys, yaml, kubernetes_validate
manifest = yaml.safe_load(open(sys.argv[1]))
print(kubernetes_validate.validate(manifest, sys.argv[2], strict=True))
manifest["spec"]["completionMod"] = manifest["spec"].pop("completionMode")
try:
    kubernetes_validate.validate(manifest, sys.argv[2], strict=True)
except kubernetes_validate.ValidationError:
    print("refused")
`;

Deno.test("cluster kubernetes writes an Indexed Job that is valid by the schema of Kubernetes", async (t) => {
  const image = ["--image", "registry.example/losskit:1", "--claim", "runs"];
  const dir = await planned("Job_of.Muller", { ...SMALL, steps: 5 }, [
    "kubernetes",
    ...image,
  ]);
  const manifest = join(dir, "kubernetes.yaml");
  const python = await pythonWith("kubernetes");
  for (const version of ["1.31", "1.37"]) {
    await t.step(`of version ${version}`, async () => {
      assertEquals((await capture(python, ["-I", "-c", VALIDATE, manifest, version])).trim().split("\n"), [
        version,
        "refused",
      ]);
    });
  }
  const { metadata, spec } = parse(Deno.readTextFileSync(manifest));
  assertMatch(metadata.name, /^[a-z]([-a-z0-9]*[a-z0-9])?$/);
  assertEquals([spec.completions, spec.parallelism, spec.backoffLimitPerIndex], [3, 3, 3]);
  assertEquals(
    spec.podFailurePolicy.rules.map((
      { action, onExitCodes, onPodConditions }: Record<string, { values?: number[] }>,
    ) => [action, onExitCodes?.values ?? onPodConditions]),
    [["FailJob", [2]], ["FailIndex", [4]], ["Ignore", [75]], [
      "Ignore",
      [{ type: "DisruptionTarget", status: "True" }],
    ]],
  );
  const { restartPolicy, containers: [container] } = spec.template.spec;
  assertEquals(restartPolicy, "Never");
  assertEquals(container.command.slice(-2), [`/data/Job_of.Muller`, "--index"]);
  // The command equals the local command, except for its folders.
  const args = container.command.slice(1, -2), here = fileURLToPath(new URL("..", import.meta.url));
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [...args, dir, "--index"],
    cwd: here,
    env: { JOB_COMPLETION_INDEX: "1" },
  }).output();
  assert(success);
  assertEquals(readRun(folderOf(dir, 1)).status, "finished");
});

Deno.test("cluster reports invalid requests", async () => {
  const dir = await planned("fine", { ...SMALL, steps: 5 });
  const image = ["--image", "a", "--claim", "b"];
  const wrong: [string[], RegExp][] = [
    [[], /Usage: cluster/],
    [["pbs", dir], /unknown command 'pbs'/],
    [["slurm"], /missing required argument 'sweep'/],
    [["slurm", root], /expected planned runs in .*plan.json, got none/],
    [["slurm", join(root, "none.json")], /Cannot read the spec/],
    [["slurm", dir, "--out", join(root, "elsewhere")], /expected the folder of the plan, .* got another one/],
    [["slurm", dir, "--parallel", "0"], /--parallel: expected a whole number/],
    [["slurm", dir, "--warn", "often"], /--warn/],
    [["slurm", dir, "--sbatch=--comment=1\n#SBATCH --x"], /without quotes, backslashes and line breaks/],
    [["slurm", dir, "--time", "1\n#SBATCH --x"], /--time: expected a Slurm time limit/],
    [["slurm", dir, "--time", "1-"], /--time: .*D-HH:MM:SS\), got "1-"/],
    [["slurm", dir, "--time", "2h"], /--time/],
    [["slurm", dir, "--memory", "2Gi"], /--memory: expected a Slurm size/],
    [["slurm", dir, "--partition", "a b"], /--partition: expected a name without spaces/],
    [["kubernetes", dir, ...image, "--memory", "2GB"], /--memory: expected a Kubernetes quantity/],
    [["kubernetes", dir], /required option '--claim <name>' not specified/],
    [["kubernetes", dir, ...image, "--mount", "data"], /--mount: expected an absolute path in the container/],
    [["kubernetes", dir, ...image, "--retries", "-1"], /--retries: expected a whole number/],
  ];
  // A file blocks the folder of logs, or the folder itself.
  const taken = await planned("taken", { ...SMALL, steps: 5 }), file = join(root, "a file");
  Deno.removeSync(join(taken, "slurm"), { recursive: true });
  for (const path of [join(taken, "slurm"), file]) Deno.writeTextFileSync(path, "");
  Deno.mkdirSync(join(taken, "kubernetes.yaml"));
  const spec = join(root, "taken.json");
  wrong.push(
    [["slurm", taken], /Cannot create the folder .*slurm: expected a writable place/],
    [["slurm", spec, "--out", file], /Cannot sweep into .*a file: expected a writable folder/],
    [["kubernetes", spec, "--out", file, ...image], /Cannot sweep into .*a file: expected a writable folder/],
    [["kubernetes", taken, ...image], /Cannot write .*kubernetes.yaml: expected a writable folder/],
  );
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await runTask("cluster", args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertMatch(stderr, message);
    assert(!stderr.includes("    at "), stderr);
  }
  const { stdout } = await runTask("cluster", [
    ...["slurm", dir, "--time", "1-02:30", "--memory", "2G", "--partition", "long,short"],
    ...["--sbatch=--account=me", "--sbatch=--qos=low"],
  ]);
  assertStringIncludes(stdout, `sbatch ${join(dir, "slurm.sh")}`);
  const script = Deno.readTextFileSync(join(dir, "slurm.sh"));
  assertStringIncludes(script, "#SBATCH --time=1-02:30\n#SBATCH --mem=2G\n#SBATCH --partition=long,short\n");
  assertStringIncludes(script, "#SBATCH --account=me\n#SBATCH --qos=low\n");
  assertNotEquals(Deno.statSync(join(dir, "slurm")).isDirectory, false);
});
