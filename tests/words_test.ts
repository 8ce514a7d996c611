/**
 * Messages and output folders of commands, for folders and devices other than the defaults.
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { type Ended, ended, runTask } from "./support/commands.ts";
import { copy, done, root, specOf, text } from "./support/tiny_sweep.ts";

const REPOSITORY = new URL("../", import.meta.url).pathname;
const SHORT = ["--seq", "16", "--vocab", "char", "--amp", "off", "--seeds", "1", "--steps", "2"];

/** Runs a shell command in the repository. `deno` is the current Deno. */
async function shell(line: string): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", line.replaceAll("deno task", `"${Deno.execPath()}" task --quiet`)],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a command whose output is a full disk or a closed pipe ends with one sentence", async () => {
  for (const line of [`deno task report '${done}' > /dev/full`, "deno task report --help > /dev/full"]) {
    const { code, stderr } = await shell(line);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /^Cannot write to standard output: .*No space left on device.*\n$/);
  }
  const refused = await shell("deno task report nowhere 2> /dev/full");
  assertEquals(refused.code, 2, "the status says what standard error cannot");
  const { stderr } = await shell(`{ sleep 1; deno task report '${done}'; } | true`);
  assertNotMatch(stderr, /\n {4}at /);
});

Deno.test("the commands in a report reproduce its runs, also for folder names with special characters", async () => {
  const folder = copy(done, join(root, "it's a $folder"));
  assertEquals((await runTask("report", [folder])).code, 0);
  const html = await Deno.readTextFile(join(folder, "report.html"));
  const [, lines = ""] = /<pre tabindex="0">(deno task.*?)<\/pre>/s.exec(html) ?? [];
  const commands = lines.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&amp;", "&").split(
    "\n",
  );
  assertEquals(commands.length, 2, html.slice(html.indexOf("<h2>Reproduce")).slice(0, 500));
  for (const command of commands) {
    const { code, stderr } = await shell(command);
    assertEquals(code, 0, `${command}: ${stderr}`);
  }
});

/** Runs a command in a temporary folder without `experiments/out`. */
async function commandIn(cwd: string, name: string, args: string[]): Promise<Ended> {
  const paths = ["deno.json", `lib/cli/${name}.ts`].map((path) => join(REPOSITORY, path));
  return await ended(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", ...paths, ...args],
      cwd,
      env: { NO_COLOR: "1" },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
}

/** Runs commands in sequence. Each must print its folder of `experiments/out`, and succeed. */
async function foldersOf(cwd: string, commands: [string, ...string[]][]): Promise<string[]> {
  const folders: string[] = [];
  for (const [name, ...args] of commands) {
    const { code, stderr } = await commandIn(cwd, name, args);
    assertEquals(code, 0, stderr);
    const [, folder] = /(?: in|folder:) experiments\/out\/([^,\s]+)/.exec(stderr) ?? [];
    folders.push(folder ?? stderr);
  }
  return folders;
}

Deno.test("a spec changed by flags or by its author gets a separate folder, for every command", async () => {
  const cwd = await Deno.makeTempDir({ dir: root });
  const spec = await specOf("folders", { name: "folders", policy: ["float32", "bf16-autocast"] });
  const first = await foldersOf(cwd, [["plan", spec], ["sweep", spec], ["sweep", spec, "--steps", "10"]]);
  assertEquals(first, ["folders", "folders", "folders"]);
  const changed = await foldersOf(cwd, [["sweep", spec, "--steps", "4"], ["sweep", spec, "--steps", "4"]]);
  assertMatch(changed[0]!, /^folders-[0-9a-f]{8}$/);
  assertEquals(changed[1], changed[0]);
  await specOf("folders", { name: "folders", policy: ["float32", "bf16-autocast"], steps: 4 });
  const edited = await foldersOf(cwd, [["plan", spec], ["sweep", spec], ["sweep", spec, "--steps", "10"]]);
  assertEquals(edited, [changed[0]!, changed[0]!, "folders"]);
  const lr = await specOf("folders", { name: "folders", policy: ["float32", "bf16-autocast"], lr: 0.01 });
  const [compared, again] = await foldersOf(cwd, [["compare", lr], ["compare", lr]]);
  assertMatch(compared!, /^folders-[0-9a-f]{8}$/);
  assertEquals(again, compared);
  const { code, stdout, stderr } = await commandIn(cwd, "cluster", ["slurm", lr]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /experiments\/out\/folders-[0-9a-f]{8}\//); // compare's defaults are others
});

Deno.test("train and experiment with other values get separate folders", async () => {
  const cwd = await Deno.makeTempDir({ dir: root });
  const run = (...flags: string[]): [string, ...string[]] =>
    [
      ...["train", "--data", text, "--seq", "8", "--batch", "2", "--steps", "2", "--n-layer", "1"],
      ...["--n-head", "1", "--n-embd", "8", "--eval-tokens", "16", ...flags],
    ] as [string, ...string[]];
  const [first, same, rate, rateAgain, threads, resumed] = await foldersOf(cwd, [
    run(),
    run(),
    run("--lr", "0.01"),
    run("--lr", "0.01", "--resume"),
    run("--threads", "1"),
    ["train", "--resume"],
  ]);
  assertEquals([first, same, resumed], ["train", "train", "train"]);
  assertMatch(rate!, /^train-[0-9a-f]{8}$/);
  assertMatch(threads!, /^train-[0-9a-f]{8}$/);
  assertEquals(rateAgain, rate);
  assertNotEquals(threads, rate);

  const experiment = join(cwd, "own.ts");
  const write = async (steps: number) => {
    const fields = JSON.parse(await Deno.readTextFile(await specOf("part", { steps })));
    delete fields.name;
    await Deno.writeTextFile(
      experiment,
      `export default { name: "own", title: "t", claim: "c", source: "s", prediction: "p",
        sweeps: () => ({ part: { spec: ${JSON.stringify(fields)} } }),
        conclude: () => ({ verdict: "reproduced", reason: "r", directionHolds: true, tables: {} }) };`,
    );
  };
  await write(4);
  const command: [string, string] = ["experiment", experiment];
  assertEquals(await foldersOf(cwd, [command, command]), ["own", "own"]);
  await write(3);
  const [other, otherAgain] = await foldersOf(cwd, [command, command]);
  assertMatch(other!, /^own-[0-9a-f]{8}$/);
  assertEquals(otherAgain, other);
});

Deno.test("a sweep in --out gets the name of its folder", async () => {
  const own = await runTask("sweep", ["--data", text, ...SHORT, "--out", join(root, "own")]);
  assertEquals(own.code, 0, own.stderr);
  assertStringIncludes(own.stderr, "own: 1 of 1 runs finished");
  assertNotMatch(own.stderr, /default:/);
});

Deno.test("an unknown or missing device is refused before anything starts", async () => {
  const out = join(root, "no-device");
  for (
    const [device, told] of [["cuda", "expected LOSSKIT_DEVICE to be auto, cpu or gpu"], [
      "gpu",
      "Cannot use a GPU",
    ]] as const
  ) {
    for (const task of ["train", "sweep"]) {
      const env = { LOSSKIT_DEVICE: device, CUDA_VISIBLE_DEVICES: "" };
      const { code, stderr } = await runTask(task, ["--data", text, "--steps", "2", "--out", out], env);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, told);
    }
  }
  assert(![...Deno.readDirSync(root)].some(({ name }) => name === "no-device"));
});

Deno.test("runSweep() refuses a missing device before anything starts", async () => {
  const dir = join(root, "library");
  const spec = await specOf("library", {});
  const script = join(root, "library.ts");
  const module = (path: string) => JSON.stringify(new URL(`../lib/${path}/mod.ts`, import.meta.url).href);
  await Deno.writeTextFile(
    script,
    `import { makePlan, parseSweepSpec, runSweep } from ${module("sweep")};
    import { watchSignals } from ${JSON.stringify(new URL("../lib/error/signals.ts", import.meta.url).href)};
    const spec = parseSweepSpec(JSON.parse(Deno.readTextFileSync(${JSON.stringify(spec)})), "the test");
    using interruption = watchSignals();
    const plan = await makePlan(spec, 1);
    console.log(await runSweep(plan, { dir: ${JSON.stringify(dir)}, workers: 1, interruption }).then(
      () => "ran", (error) => error.message));`,
  );
  const { stdout, stderr } = await ended(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", join(REPOSITORY, "deno.json"), script],
      env: { NO_COLOR: "1", LOSSKIT_DEVICE: "cuda" },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
  assertStringIncludes(stdout, "expected LOSSKIT_DEVICE to be auto, cpu or gpu", stderr);
  const planned = await runTask("plan", [spec, "--out", dir], { LOSSKIT_DEVICE: "cuda" });
  assert(planned.code === 0 || planned.code === 2, planned.stderr);
  assert(![...Deno.readDirSync(root)].some(({ name }) => name === "library"));
});

Deno.test("printed shell commands are quoted", async () => {
  const spec = await specOf("quoted", {});
  const { code, stdout, stderr } = await runTask("cluster", ["slurm", spec, "--out", join(root, "my jobs")]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, `sbatch '${join(root, "my jobs", "slurm.sh")}'`);
});
