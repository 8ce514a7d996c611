/**
 * losskit installed in each way: from the npm tarball, globally, and from a URL. The same sweep has the same results as in the
 * checkout.
 */
// @heavy
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { cacheDir } from "../lib/fetch/cache.ts";
import { compareJournals, readRuns } from "../lib/record/mod.ts";
import { buildPackage } from "./support/build_package.ts";
import { type Ended, ended, sampleText } from "./support/commands.ts";
import { serveFolder } from "./support/serve_folder.ts";

const CHECKOUT = new URL("../", import.meta.url).pathname;
const root = Deno.makeTempDirSync({ prefix: "losskit-install-" });
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const built = await buildPackage(join(root, "dist"));

/** A user's folder with a text and a spec. */
function userFolder(name: string): string {
  const folder = join(root, name);
  Deno.mkdirSync(folder);
  Deno.writeTextFileSync(join(folder, "text.txt"), sampleText());
  const fields = {
    ...{
      name: "tiny",
      data: "text.txt",
      vocab: ["character"],
      policy: ["float32", "bf16-autocast"],
      seeds: [1],
    },
    ...{ nLayer: 1, nHead: 1, nEmbd: 8, seq: [8], tokensPerStep: 16, steps: 3, warmupSteps: 0 },
    evalTokens: 64,
  };
  Deno.writeTextFileSync(
    join(folder, "tiny.ts"),
    `const seeds: number[] = [1];\nexport default { ...${JSON.stringify(fields)}, seeds };\n`,
  );
  return folder;
}

async function run(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ended> {
  return await ended(
    new Deno.Command(program, {
      args,
      cwd,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", npm_config_update_notifier: "false", ...env },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
}

async function succeed(program: string, args: string[], cwd: string, env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await run(program, args, cwd, env);
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return { stdout, stderr };
}

const DENO = Deno.execPath();
const SWEEP = ["sweep", "tiny.ts", "--out", "out", "--workers", "1"];

/** Requires that two folders have the same runs with the same journals and checkpoints. */
function assertSameRuns(folder: string, other: string): void {
  const [runs, others] = [folder, other].map((path) => readRuns(join(path, "out")));
  assertEquals(others!.map(({ manifest }) => manifest.runId), runs!.map(({ manifest }) => manifest.runId));
  assertEquals(runs!.length, 2);
  runs!.forEach(({ events, manifest: { runId } }, i) => {
    assertEquals(compareJournals(events, others![i]!.events), undefined);
    const bytes = [folder, other].map((path) =>
      Deno.readFileSync(join(path, "out", "runs", runId, "checkpoint.safetensors"))
    );
    assertEquals(bytes[0], bytes[1]);
  });
}

const checkout = userFolder("checkout");
await succeed(DENO, ["run", "-A", "--no-check", join(CHECKOUT, "lib/cli/main.ts"), ...SWEEP], checkout);

Deno.test("the npm package runs commands and programs in a folder with Node only", async (t) => {
  const folder = userFolder("npm");
  await succeed("git", ["init", "--quiet"], folder);
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  await succeed("git", [...author, "commit", "--quiet", "--allow-empty", "-m", "mine"], folder);
  const npm = ["install", "--prefer-offline", "--no-audit", "--no-fund", built.tarball];
  await succeed("npm", npm, folder);
  const npx = (...args: string[]) => run("npx", args, folder);

  await t.step("sweep of a .ts spec: the same runs as in the checkout", async () => {
    const { code, stdout, stderr } = await npx("losskit", ...SWEEP);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /report: out\/report\.html/);
    assertSameRuns(checkout, folder);
    // The user's repository around node_modules is not the repository of losskit.
    for (const { manifest } of readRuns(join(folder, "out"))) {
      assertEquals(manifest.environment.gitCommit, undefined);
    }
    assert(!/[Dd]ownload|lifecycle|npm /.test(stdout + stderr), stderr);
  });

  await t.step("train, report and reproduce", async () => {
    const flags =
      "--data text.txt --n-layer 1 --n-head 1 --n-embd 8 --seq 8 --batch 2 --steps 2 --warmup-steps 0";
    assertEquals((await npx("losskit", "train", ...flags.split(" "), "--out", "one")).code, 0);
    assertEquals((await npx("losskit", "report", "one")).code, 0);
    const [run = ""] = [...Deno.readDirSync(join(folder, "one", "runs"))].map(({ name }) => name);
    assertMatch((await npx("losskit", "reproduce", join("one", "runs", run))).stdout, /^identical$/m);
    assertMatch(Deno.readTextFileSync(join(folder, "one", "report.html")), /npx losskit reproduce/);
  });

  await t.step("a program with the two lines of deno.json, its types and the runtime alone", async () => {
    const map = "./node_modules/@losskit/losskit/deno.json";
    Deno.writeTextFileSync(
      join(folder, "deno.json"),
      `{ "importMap": ${JSON.stringify(map)},\n  "nodeModulesDir": "none" }\n`,
    );
    Deno.writeTextFileSync(
      join(folder, "program.ts"),
      `import * as tf from "@tensorflow/tfjs";
import * as lk from "@losskit/losskit";
import { trueDtype } from "@losskit/losskit/tensorflow";
await lk.useTensorFlow();
const product = lk.autocast("bf16-autocast", () => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])));
console.log(tf.getBackend(), trueDtype(product));
const fields = { data: "text.txt", nLayer: 1, nHead: 1, nEmbd: 8, seq: [8], tokensPerStep: 16, steps: 2 };
const runs = await lk.sweep({ ...fields, vocab: ["char"], policy: ["float32"], seeds: [1] }, { dir: "mine" });
console.log(runs.length);
`,
    );
    await succeed("npx", ["deno", "check", "program.ts"], folder);
    const { stdout } = await succeed("npx", ["deno", "run", "-A", "program.ts"], folder);
    assertEquals(stdout, "tensorflow bfloat16\n1\n");
  });

  await t.step("a notebook that imports it, and the kernel", async () => {
    const cell = { id: "a", cell_type: "code", metadata: {}, outputs: [], execution_count: null };
    const source = 'import * as lk from "@losskit/losskit";\nconsole.log(typeof lk.sweep);';
    const notebook = { cells: [{ ...cell, source }], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    Deno.writeTextFileSync(join(folder, "n.ipynb"), JSON.stringify(notebook));
    const { code, stderr } = await npx("losskit", "notebooks", "n.ipynb");
    assertEquals(code, 0, stderr);
    assertMatch(Deno.readTextFileSync(join(folder, "n.ipynb")), /"function\\n"/);
    await succeed("npx", ["losskit", "jupyter", "--install-only"], folder, {
      JUPYTER_DATA_DIR: join(root, "jupyter"),
    });
    const { argv } = JSON.parse(
      Deno.readTextFileSync(join(root, "jupyter", "kernels", "losskit", "kernel.json")),
    );
    const { stdout } = await succeed(argv[3], ["--version"], root);
    assertMatch(stdout, /^deno 2\.9\.6/);
  });

  await t.step("the installed files stay as they were", () => {
    for (const name of ["deno.lock", "deno.json", "import_map.json", "lib/record/sources.json"]) {
      const [now, before] = [join(folder, "node_modules/@losskit/losskit"), built.folder]
        .map((path) => Deno.readTextFileSync(join(path, name)));
      assertEquals(now, before, name);
    }
  });
});

Deno.test("deno install -g works from the checkout and from the package, with the same runs", async () => {
  for (const [name, from] of [["checkout", CHECKOUT], ["package", built.folder]] as const) {
    const folder = userFolder(`global-${name}`), place = join(root, `bin-${name}`);
    const install = ["install", "--global", "--quiet", "-A", "--root", place, "--name", "losskit"];
    const module = join(from, "lib", "cli", "main.ts");
    await succeed(DENO, [...install, "--config", join(from, "deno.json"), module], root);
    await succeed(join(place, "bin", "losskit"), SWEEP, folder, {
      PATH: `${DENO}/..:${Deno.env.get("PATH")}`,
    });
    assertSameRuns(checkout, folder);
  }
});

Deno.test("a sweep from a URL has the same runs, and every subpath can be imported", async () => {
  await using server = serveFolder(built.folder);
  const folder = userFolder("url");
  const flags = ["run", "-A", "--quiet", "--no-check", "--no-config"];
  await succeed(DENO, [...flags, `${server.url}lib/cli/main.ts`, ...SWEEP], folder);
  assertSameRuns(checkout, folder);
  const { exports } = JSON.parse(Deno.readTextFileSync(join(built.folder, "deno.json")));
  const { "./cli": _program, ...modules } = exports as Record<string, string>;
  const paths = Object.values(modules).map((path) => new URL(path, server.url).href);
  assert(paths.length > 10);
  const program = join(folder, "import.ts");
  Deno.writeTextFileSync(
    program,
    `${paths.map((path, i) => `import * as m${i} from "${path}";`).join("\n")}
console.log([${paths.map((_, i) => `Object.keys(m${i}).length`).join()}].every((count) => count > 0));\n`,
  );
  assertEquals((await succeed(DENO, [...flags, program], folder)).stdout, "true\n");
  const { code, stderr } = await run(DENO, [
    ...flags,
    `${server.url}lib/cli/main.ts`,
    "cluster",
    "slurm",
    "tiny.ts",
  ], folder);
  assertEquals(code, 2);
  assertMatch(stderr, /^Cannot write jobs for Slurm: expected losskit in a folder, got the import from http/);
});

Deno.test("a checkout that is served as it is works with its import_map.json", async () => {
  await using server = serveFolder(CHECKOUT);
  const folder = userFolder("raw");
  Deno.writeTextFileSync(
    join(folder, "program.ts"),
    'import * as tf from "@tensorflow/tfjs";\nimport { useTensorFlow } from "@losskit/losskit/tensorflow";\n' +
      "await useTensorFlow();\nconsole.log(tf.add(1, 2).arraySync());\n",
  );
  const flags = ["run", "-A", "--quiet", "--no-check", `--import-map=${server.url}import_map.json`];
  assertEquals((await succeed(DENO, [...flags, "program.ts"], folder)).stdout, "3\n");
});

Deno.test("a checkout that is served as it is names the remedy for the program", async () => {
  await using server = serveFolder(CHECKOUT);
  const folder = userFolder("raw-program");
  const flags = ["run", "-A", "--quiet", "--no-check", "--no-config"], main = `${server.url}lib/cli/main.ts`;
  const without = await run(DENO, [...flags, main, ...SWEEP], folder);
  assertEquals([without.code, without.stdout], [2, ""]);
  assertMatch(
    without.stderr,
    /^Cannot start losskit: expected the built package at http.* deno task build:package writes\.\n$/,
  );
  const mapped = await run(
    DENO,
    [...flags, `--import-map=${server.url}import_map.json`, main, ...SWEEP],
    folder,
  );
  assertEquals(mapped.code, 2);
  assertMatch(mapped.stderr, /^Cannot identify the code of losskit: .*Serve the built package .*\n$/);
});

Deno.test("after setup, the package's commands and a user's program work without a network", async () => {
  const folder = userFolder("offline");
  const env = {
    DENO_DIR: join(root, "offline-cache"),
    JUPYTER_DATA_DIR: join(root, "offline-jupyter"),
    LOSSKIT_CACHE: cacheDir(), // libtensorflow, which other tests have downloaded
  };
  const losskit = [...["run", "-A", "--quiet", "--no-check", "--config", join(built.folder, "deno.json")]];
  losskit.push(join(built.folder, "lib", "cli", "main.ts"));
  await succeed(DENO, [...losskit, "setup"], folder, env);
  const model = "--n-layer 1 --n-head 1 --n-embd 8 --seq 8 --batch 2 --steps 2 --warmup-steps 0";
  for (
    const line of [
      SWEEP.join(" "),
      `train --data text.txt --vocab gpt2 ${model} --out one`,
      "export out --format tensorboard --out board",
      "jupyter --install-only",
    ]
  ) await succeed("unshare", ["-rn", DENO, ...losskit, ...line.split(" ")], folder, env);
  assertSameRuns(checkout, folder);
  // A user's program has no lock file. Deno then needs the packages' lists of versions, too.
  const program = join(folder, "program.ts");
  Deno.writeTextFileSync(
    program,
    'import { getBackend } from "@tensorflow/tfjs";\nimport { useTensorFlow } from "@losskit/losskit";\n' +
      "await useTensorFlow();\nconsole.log(getBackend());\n",
  );
  const own = ["run", "-A", "--no-lock", "--config", join(built.folder, "deno.json"), program];
  assertEquals((await succeed("unshare", ["-rn", DENO, ...own], folder, env)).stdout, "tensorflow\n");
});

Deno.test("deno publish accepts the checkout and the package without a warning", async () => {
  for (const cwd of [CHECKOUT, built.folder]) {
    const { stdout, stderr } = await succeed(DENO, ["publish", "--dry-run", "--allow-dirty"], cwd);
    assert(!/warning|slow type/.test((stdout + stderr).replace("Checking for slow types", "")), stderr);
  }
});
