// @heavy
/**
 * Commands about a sweep's runs: plan, explain, reproduce; limits, retries, divergence, and runs of another environment.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { readHolder, readJournal, readRun, readRuns, runPaths } from "../lib/record/mod.ts";
import { ended, runTask, sampleText, startTask } from "./support/commands.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());

const TINY = {
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], policy: ["float32"], seeds: [1] },
  ...{ tokensPerStep: 32, nLayer: 1, nHead: 2, nEmbd: 16, warmupSteps: 0 },
  ...{ steps: 10, evalEvery: 5, evalTokens: 64, checkpointEvery: 5 },
};

/** Writes a spec, and returns its path. */
async function specOf(name: string, fields: object): Promise<string> {
  const path = join(root, `${name}.json`);
  await Deno.writeTextFile(path, JSON.stringify({ ...TINY, ...fields }));
  return path;
}

const onlyRun = (dir: string) => join(dir, "runs", [...Deno.readDirSync(join(dir, "runs"))][0]!.name);

/** A finished sweep of one run, which tests read and copies of which they change. */
const done = join(root, "done");
const doneSpec = await specOf("done", {});
const begun = await runTask("sweep", [doneSpec, "--out", done]);
assertEquals(begun.code, 0, begun.stderr);

function copy(from: string, to: string): string {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) copy(source, target);
    else Deno.copyFileSync(source, target);
  }
  return to;
}

/** Changes a JSON file in place. */
function edit(path: string, change: (value: Record<string, Record<string, unknown>>) => void): void {
  const value = JSON.parse(Deno.readTextFileSync(path));
  change(value);
  Deno.writeTextFileSync(path, JSON.stringify(value));
}

Deno.test("plan lists runs with what varies, time and memory, measured; or from the folder's journals", async () => {
  const path = await specOf("planned", { axes: { lr: [1e-3, 3e-3], nEmbd: [16, 32] }, nEmbd: undefined });
  const out = join(root, "planned");
  const { code, stdout, stderr } = await runTask("plan", [path, "--out", out]);
  assertEquals(code, 0, stderr);
  const [head, ...rows] = stdout.split("\n");
  assertMatch(
    head!,
    /^run\s+what\s+lr\s+nEmbd\s+time\s+memory\s+from$|^run\s+what\s+nEmbd\s+lr\s+time\s+memory\s+from$/,
  );
  assertEquals(
    rows.filter((row) => /^[0-9a-f]{12} .* \d+ s .* \d+ MB\s+measured$/.test(row)).length,
    4,
    stdout,
  );
  assertMatch(stdout, /4 runs, \d+ at once with \d threads? each: about \d+ s and up to /);
  assertStringIncludes(stdout, "times are from: steps measured now (4)");
  assert(!exists(out), "plan ran something");
});

Deno.test("plan marks what a folder has of its runs, and counts only the rest, from the folder's journals", async () => {
  const all = await runTask("plan", [doneSpec, "--out", done]);
  assertMatch(
    all.stdout,
    /\s1\s+finished +– +– +–\n\n1 run, finished in .* already: nothing is left/,
  );
  const path = await specOf("seeds", { seeds: [1, 2] });
  const more = await runTask("plan", [path, "--out", done]);
  assertMatch(
    more.stdout,
    /^run +what +state +time +memory +from\n.* finished +– .*\n.* new +\d+ s /,
    more.stderr,
  );
  assertStringIncludes(more.stdout, "\n2 runs, of which 1 is finished already; the rest, ");
  assertStringIncludes(more.stdout, "times are from: journals in the folder (1)");

  const dir = copy(done, join(root, "partly")), { journal, manifest } = runPaths(onlyRun(dir));
  const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
  const last = lines.findLastIndex((line) => line.includes('"checkpoint"'));
  await Deno.writeTextFile(journal, `${lines.slice(0, last).join("\n")}\n`);
  const begun = await runTask("plan", [doneSpec, "--out", dir]);
  assertMatch(begun.stdout, / goes on at step 5 of 10 +\d+ s /, begun.stderr);
  edit(manifest, ({ environment }) => environment!["cpuModel"] = "Another CPU");
  const elsewhere = await runTask("plan", [doneSpec, "--out", dir]);
  assertMatch(elsewhere.stdout, / starts over +\d+ s /, elsewhere.stderr);
  assertStringIncludes(
    elsewhere.stdout,
    'not counted: 1 run of another environment: cpuModel was "',
  );
});

Deno.test("plan and sweep refuse what cannot fit into memory, before anything starts", async () => {
  const path = await specOf("huge", { nEmbd: 200_000, nLayer: 200 });
  for (const task of ["plan", "sweep"]) {
    const out = join(root, "huge");
    const { code, stderr } = await runTask(task, [path, "--out", out]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /Cannot fit a run into memory: it is expected to need \d+ TB, and there are .* nEmbd 200000/,
    );
    assert(!exists(out));
  }
});

Deno.test("explain names what makes a run reusable or new, in spec, data, code and environment", async (t) => {
  const explain = async (run: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runTask("explain", [run, ...more]);
    assertEquals(code, 0, stderr);
    return stdout;
  };
  await t.step("nothing has changed", async () => {
    assertMatch(await explain(onlyRun(done)), /environment: the same\n→ reusable: it is finished/);
  });
  await t.step("environment", async () => {
    const dir = copy(done, join(root, "elsewhere"));
    edit(runPaths(onlyRun(dir)).manifest, ({ environment }) => environment!["denoVersion"] = "2.0.0");
    assertMatch(
      await explain(onlyRun(dir)),
      /→ new: environment: denoVersion was "2.0.0", is ".*--allow-environment/,
    );
  });
  await t.step("code", async () => {
    const dir = copy(done, join(root, "older"));
    edit(
      runPaths(onlyRun(dir)).manifest,
      (manifest) => Object.assign(manifest, { libSha256: "0".repeat(64) }),
    );
    assertMatch(await explain(onlyRun(dir)), /→ new: code: lib\/ has changed: /);
  });
  await t.step("data", async () => {
    const dir = copy(done, join(root, "other-text"));
    edit(runPaths(onlyRun(dir)).manifest, ({ data }) => data!["sha256"] = "0".repeat(64));
    assertMatch(await explain(onlyRun(dir)), /→ new: data: Cannot use the corpus .* it has changed/);
  });
  await t.step("spec, of a run that is only planned", async () => {
    const dir = copy(done, join(root, "more"));
    edit(join(dir, "plan.json"), (plan) => {
      const [first] = plan["runs"] as unknown as { id: string; spec: Record<string, unknown> }[];
      const runs = [first, { id: "0123456789ab", spec: { ...first!.spec, lr: 0.5, seed: 9 } }];
      Object.assign(plan, { runs });
    });
    const told = await explain(join(dir, "runs", "0123456789ab"), "--against", done);
    assertMatch(told, /planned, not begun/);
    assertMatch(
      told,
      /→ new: no run has its identity: seed \(there 1, here 9\), lr \(there 0.001, here 0.5\)/,
    );
  });
  await t.step("finished in another folder", async () => {
    const dir = join(root, "empty");
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    Deno.copyFileSync(join(done, "plan.json"), join(dir, "plan.json"));
    const run = join(dir, "runs", readRuns(done)[0]!.manifest.runId);
    const told = await explain(run, "--against", done);
    assertStringIncludes(
      told,
      `elsewhere: this run is finished in ${done}, and can be had with \`deno task merge ${dir} ${done}\``,
    );
    assertMatch(told, /→ new: it was not run here, but in /);
    for (const wrong of [join(root, "no-such"), run, join(root, "text.txt")]) {
      const { code, stderr } = await runTask("explain", [onlyRun(done), "--against", wrong]);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, /wanted a folder with runs in it/);
    }
  });
  await t.step("neither recorded nor planned", async () => {
    const { code, stderr } = await runTask("explain", [join(done, "runs", "0123456789ab")]);
    assertEquals(code, 2);
    assertMatch(stderr, /the plan of .* has no run 0123456789ab/);
  });
  await t.step("no run at all", async () => {
    const nowhere = join(root, "nowhere", "at", "all"), empty = join(root, "void");
    Deno.mkdirSync(empty);
    const told = [
      [done, `it is a sweep's folder, with the run ${onlyRun(done)}`],
      [empty, "it holds no manifest.json"],
      [nowhere, "there is none"],
    ];
    for (const [folder, found] of told) {
      const { code, stderr } = await runTask("explain", [folder!]);
      assertEquals([code, stderr], [
        2,
        `Cannot explain ${folder}: wanted a run's folder, DIR/runs/ID: ${found}\n`,
      ]);
    }
  });
  await t.step("a copy of a run outside of any sweep", async () => {
    const alone = copy(onlyRun(done), join(root, "alone", "run"));
    assertMatch(await explain(alone), /^run [0-9a-f]{12}: finished.*\nspec: there is no plan; no other run/);
  });
});

Deno.test("a finished run of another environment is run again, its record kept, unless that is allowed", async () => {
  const dir = copy(done, join(root, "moved"));
  const run = onlyRun(dir);
  edit(runPaths(run).manifest, ({ environment }) => environment!["cpuModel"] = "Another CPU");
  const journal = await Deno.readTextFile(runPaths(run).journal);
  const allowed = await runTask("sweep", [doneSpec, "--out", dir, "--allow-environment-change"]);
  assertEquals(allowed.code, 0, allowed.stderr);
  assertEquals(await Deno.readTextFile(runPaths(run).journal), journal);
  const { code, stderr } = await runTask("sweep", [doneSpec, "--out", dir]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, 'cpuModel was "Another CPU", is ');
  const [kept] = [...Deno.readDirSync(join(dir, "earlier"))];
  assertEquals(await Deno.readTextFile(join(dir, "earlier", kept!.name, "journal.jsonl")), journal);
  const { status, manifest } = readRun(run);
  assertEquals(status, "finished");
  assert(manifest.environment.cpuModel !== "Another CPU");
});

Deno.test("an unfinished run of another environment starts over, unless that is allowed", async () => {
  for (const allowed of [true, false]) {
    const dir = copy(done, join(root, `unfinished-${allowed}`));
    const run = onlyRun(dir), { journal, manifest, log } = runPaths(run);
    const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
    await Deno.writeTextFile(journal, `${lines.slice(0, -3).join("\n")}\n`);
    edit(manifest, ({ environment }) => environment!["tensorflowVersion"] = "1.0");
    const args = [doneSpec, "--out", dir, ...(allowed ? ["--allow-environment-change"] : [])];
    const { code, stderr } = await runTask("sweep", args);
    assertEquals(code, 0, stderr);
    const told = (await Deno.readTextFile(log)).includes(
      "starting over: its steps were made in another environment",
    );
    assertEquals(told, !allowed);
  }
});

Deno.test("a run that diverges where its spec forbids it ends there, is not tried again, and is status 4", async () => {
  const path = await specOf("wild", {
    ...{ allowDivergence: false, minLr: 0, clip: 0, steps: 30 },
    zip: [{ lr: [1e30, 1e-3] }],
  });
  const dir = join(root, "wild");
  const { code, stderr } = await runTask("sweep", [path, "--out", dir, "--workers", "1"]);
  assertEquals(code, 4, stderr);
  assertMatch(stderr, /failed: [0-9a-f]{12}: The run diverged: .*loss is (NaN|Infinity) at step \d+/);
  assert(!stderr.includes("trying again"), stderr);
  const runs = readRuns(dir);
  assertEquals(runs.map(({ status }) => status).sort(), ["failed", "finished"]);
});

Deno.test("a run over its limit of time or memory is ended, says so, and stops no other", async () => {
  const long = await specOf("long", { steps: 100_000, evalEvery: 100_000, checkpointEvery: 100_000 });
  const timed = await runTask("sweep", [long, "--out", join(root, "timed"), "--time-limit", "4s"]);
  assertEquals(timed.code, 3, timed.stderr);
  assertStringIncludes(timed.stderr, "it took longer than its limit of 4 s");
  // A slow machine has not come to its first step by then.
  const { events } = readJournal(runPaths(onlyRun(join(root, "timed"))).journal);
  if (events.length > 0) assertEquals(events.at(-1)?.event, "fail");
  if (events.some(({ event }) => event === "step")) {
    assert(events.some(({ event }) => event === "checkpoint"), "it had time for a checkpoint");
  }
  const large = await runTask("sweep", [long, "--out", join(root, "large"), "--memory-limit", "50MB"]);
  assertEquals(large.code, 3, large.stderr);
  assertMatch(large.stderr, /it used [\d.]+ MB of memory, beyond its limit of 50.0 MB/);
});

Deno.test("a run that failed is tried again, and the cause is kept in journal and log", async () => {
  const dir = copy(done, join(root, "tried"));
  const run = onlyRun(dir), { journal, checkpoint, log } = runPaths(run);
  const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
  await Deno.writeTextFile(journal, `${lines.slice(0, 8).join("\n")}\n`);
  // A folder where a checkpoint must go: writing it fails, each time.
  await Deno.remove(checkpoint);
  await Deno.mkdir(join(checkpoint, "in the way"), { recursive: true });
  const { code, stderr } = await runTask("sweep", [doneSpec, "--out", dir, "--retries", "2"]);
  assertEquals(code, 2 + 1, stderr);
  assertEquals(readRun(run).status === "finished", false);
  assertMatch(await Deno.readTextFile(log), /checkpoint/);
  await Deno.remove(checkpoint, { recursive: true });
  assertEquals((await runTask("sweep", [doneSpec, "--out", dir])).code, 0);
  assertEquals(readRun(run).status, "finished");
});

Deno.test("what is said wrong about limits and retries is told, and nothing starts", async () => {
  const wrong: [string, string, RegExp][] = [
    ["--time-limit", "soon", /--time-limit: it must be a time such as 90s/],
    ["--time-limit", "0s", /--time-limit/],
    ["--memory-limit", "2 apples", /--memory-limit: it must be a size such as 800MB/],
    ["--memory-limit", "-1GB", /--memory-limit/],
    ["--retries", "-1", /--retries must be a whole number of at least 0/],
    ["--retries", "1.5", /--retries must be a whole number/],
  ];
  const out = join(root, "nothing");
  await Promise.all(wrong.map(async ([flag, value, told]) => {
    const { code, stderr } = await runTask("sweep", [doneSpec, "--out", out, `${flag}=${value}`]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, told);
  }));
  assert(!exists(out));
});

Deno.test("reproduce answers identical, within tolerance, diverged with its step and what changed, or cannot", async (t) => {
  const reproduce = async (run: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runTask("reproduce", [run, ...more]);
    assert(!stderr.includes("    at "), stderr);
    return { code, stdout: stdout.trim(), stderr };
  };
  const changed = (name: string, step: number, loss: (was: number) => number) => {
    const dir = copy(done, join(root, name));
    const { journal } = runPaths(onlyRun(dir));
    const found = new RegExp(`("event":"step".*"step":${step},.*"loss":)([\\d.]+)`);
    const whole = Deno.readTextFileSync(journal);
    const edited = whole.replace(found, (_, before, was) => `${before}${loss(Number(was))}`);
    assert(edited !== whole);
    Deno.writeTextFileSync(journal, edited);
    return onlyRun(dir);
  };
  await t.step("identical", async () => {
    assertEquals((await reproduce(onlyRun(done))).stdout, "identical");
  });
  await t.step("within tolerance, how far", async () => {
    const { code, stdout } = await reproduce(changed("near", 4, (loss) => loss + 1e-4));
    assertEquals(code, 0);
    assertEquals(stdout, "within tolerance: losses differ by at most 1.00e-4 nats, at step 4");
  });
  await t.step("diverged beyond a tolerance that is given", async () => {
    const { code, stdout } = await reproduce(changed("far", 4, (loss) => loss + 1e-4), "--tolerance", "1e-5");
    assertEquals(code, 4);
    assertMatch(stdout, /^diverged at step 4: loss was .*, is .*; no field of the environment differs$/);
  });
  await t.step("diverged, with the field of the environment that differs", async () => {
    const run = changed("elsewhere-2", 6, () => 9);
    edit(runPaths(run).manifest, ({ environment }) => environment!["cpuModel"] = "Another CPU");
    const { code, stdout } = await reproduce(run);
    assertEquals(code, 4);
    assertMatch(stdout, /^changed: cpuModel was "Another CPU", is ".*"\ndiverged at step 6: loss was 9, is /);
  });
  await t.step("cannot: the text has changed", async () => {
    const dir = copy(done, join(root, "gone"));
    edit(runPaths(onlyRun(dir)).manifest, ({ data }) => data!["sha256"] = "0".repeat(64));
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 2);
    assertMatch(stdout, /^cannot, because Cannot use the corpus/);
  });
  await t.step("the text lies beside the plan, or is named", async () => {
    const dir = copy(done, join(root, "carried"));
    edit(runPaths(onlyRun(dir)).manifest, ({ data }) => data!["path"] = join(root, "no", "text.txt"));
    assertMatch((await reproduce(onlyRun(dir))).stdout, /^cannot, because Cannot read the corpus/);
    assertEquals((await reproduce(onlyRun(dir), "--data", text)).stdout, "identical");
    await Deno.copyFile(text, join(dir, "text.txt"));
    assertEquals((await reproduce(onlyRun(dir))).stdout, "identical");
  });
  await t.step("cannot: it is not finished", async () => {
    const dir = copy(done, join(root, "half"));
    const { journal } = runPaths(onlyRun(dir));
    const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
    await Deno.writeTextFile(journal, `${lines.slice(0, -1).join("\n")}\n`);
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals([code, stdout], [2, "cannot, because the run is not finished: it is unfinished"]);
  });
  await t.step("cannot: the files are damaged", async () => {
    const dir = copy(done, join(root, "broken"));
    await Deno.writeTextFile(runPaths(onlyRun(dir)).manifest, "{");
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 2);
    assertMatch(stdout, /^cannot, because Cannot read .*manifest.json: wanted a run's manifest/);
  });
  await t.step("cannot: the checkpoint is not the one that the journal tells of", async () => {
    const dir = copy(done, join(root, "truncated"));
    const { checkpoint } = runPaths(onlyRun(dir));
    Deno.truncateSync(checkpoint, Deno.statSync(checkpoint).size - 8);
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 2);
    assertMatch(stdout, /^cannot, because Cannot use .*checkpoint.safetensors: wanted the file with SHA-256/);
  });
  await t.step("code that is nowhere is told, and the code at hand run", async () => {
    const dir = copy(done, join(root, "lost-code"));
    edit(runPaths(onlyRun(dir)).manifest, (manifest) => {
      Object.assign(manifest, { libSha256: "0".repeat(64) });
      manifest["environment"]!["gitCommit"] = "f".repeat(40);
    });
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 0);
    assertMatch(stdout, /^changed: code: this is the code at hand: .* is not in this repository\nidentical$/);
  });
  await t.step(
    "goes on with the others where one of a folder is damaged, says each problem once",
    async () => {
      const dir = copy(done, join(root, "one-of-two"));
      for (const [name, text] of [["000000000000", "{"], ["ffffffffffff", undefined]] as const) {
        const paths = runPaths(copy(onlyRun(done), join(dir, "runs", name)));
        if (text === undefined) Deno.removeSync(paths.manifest);
        else Deno.writeTextFileSync(paths.manifest, text);
      }
      const { code, stdout, stderr } = await reproduce(dir);
      assertEquals(code, 2);
      assertMatch(
        stdout,
        /^.*\/0{12}: cannot, because Cannot read .*\n.*\/[0-9a-f]{12}: identical\n.*\/f{12}: cannot, because .*$/,
      );
      assertEquals(stderr, "");
      const none = join(root, "no-runs");
      Deno.mkdirSync(join(none, "runs"), { recursive: true });
      const nothing = await reproduce(none);
      assertEquals([nothing.code, nothing.stdout], [2, ""]);
      assertMatch(nothing.stderr, /^Cannot reproduce .*: it has none\n$/);
    },
  );
  await t.step("all runs of a folder", async () => {
    const { code, stdout } = await reproduce(done);
    assertEquals([code, stdout], [0, `${onlyRun(done)}: identical`]);
  });
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a second Ctrl-C ends a sweep at once, whose worker does not answer, and nothing recorded is lost", async () => {
  const path = await specOf("stuck", { steps: 3000, evalEvery: 3000, checkpointEvery: 50 });
  const dir = join(root, "stuck");
  const child = startTask("sweep", [path, "--out", dir]);
  const output = ended(child);
  let pid: number | undefined;
  while (pid === undefined || readJournal(runPaths(onlyRun(dir)).journal).events.length < 100) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      pid = readHolder(runPaths(onlyRun(dir)).claim)?.pid;
    } catch {
      // Nothing has begun.
    }
  }
  Deno.kill(pid, "SIGSTOP"); // as one that is at a very long step
  const recorded = readJournal(runPaths(onlyRun(dir)).journal).events.length;
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  child.kill("SIGINT");
  const { code, stderr } = await output;
  assertEquals(code, 75, stderr);
  assertEquals(readJournal(runPaths(onlyRun(dir)).journal).events.length >= recorded, true);
  const again = await runTask("sweep", ["--resume", "--out", dir]);
  assertEquals(again.code, 0, again.stderr);
  assertEquals(readRun(onlyRun(dir)).status, "finished");
});

Deno.test("sweep --resume alone goes on as the folder's plan says, if code and text are the same", async () => {
  const dir = copy(done, join(root, "by-plan"));
  const { code, stderr } = await runTask("sweep", ["--resume", "--out", dir]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "1 of 1 runs are finished already");
  edit(join(dir, "plan.json"), (plan) => Object.assign(plan, { libSha256: "0".repeat(64) }));
  const other = await runTask("sweep", ["--resume", "--out", dir]);
  assertEquals(other.code, 2);
  assertMatch(other.stderr, /made by another version of the code/);
});
