// @heavy
/**
 * Commands that answer questions about a sweep's runs: plan, explain, reproduce.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { exists } from "../lib/file/exists.ts";
import { readRuns, runIdOf, runPaths } from "../lib/record/mod.ts";
import { readPlan, writePlan } from "../lib/sweep/plan_file.ts";
import { runTask } from "./support/commands.ts";
import { copy, done, doneSpec, edit, onlyRun, root, specOf, text } from "./support/tiny_sweep.ts";
import { editRecord, editRun } from "./support/edit_record.ts";

Deno.test("plan lists runs with varying fields, time and memory, measured or from the folder's journals", async () => {
  const path = await specOf("planned", {
    axes: { lr: [1e-3, 3e-3], nEmbd: [16, 32] },
    minLr: 1e-4,
    nEmbd: undefined,
  });
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
  assertMatch(stdout, /4 runs, \d+ at a time with \d threads? each: about \d+ s and up to /);
  assertStringIncludes(stdout, "source of times: steps measured now (4)");
  assert(!exists(out), "plan ran something");
});

Deno.test("plan marks existing runs and counts only the others", async () => {
  const all = await runTask("plan", [doneSpec, "--out", done]);
  assertMatch(
    all.stdout,
    /\s1\s+finished +– +– +–\n\n1 run, finished in .* already: nothing left/,
  );
  const path = await specOf("seeds", { seeds: [1, 2] });
  const more = await runTask("plan", [path, "--out", done]);
  assertMatch(
    more.stdout,
    /^run +what +state +time +memory +from\n.* finished +– .*\n.* new +\d+ s /,
    more.stderr,
  );
  assertStringIncludes(more.stdout, "\n2 runs, of which 1 is finished already; the rest, ");
  assertStringIncludes(more.stdout, "source of times: journals in the folder (1)");

  const dir = copy(done, join(root, "partly")), { journal, manifest } = runPaths(onlyRun(dir));
  const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
  const last = lines.findLastIndex((line) => line.includes('"checkpoint"'));
  await Deno.writeTextFile(journal, `${lines.slice(0, last).join("\n")}\n`);
  const begun = await runTask("plan", [doneSpec, "--out", dir]);
  assertMatch(begun.stdout, / resumes at step 5 of 10 +\d+ s /, begun.stderr);
  edit(manifest, ({ environment }) => environment!["cpuModel"] = "Another CPU");
  const elsewhere = await runTask("plan", [doneSpec, "--out", dir]);
  assertMatch(elsewhere.stdout, / starts over +\d+ s /, elsewhere.stderr);
  assertStringIncludes(
    elsewhere.stdout,
    'not accepted: 1 run of a different environment (cpuModel was "',
  );
});

Deno.test("plan and sweep refuse runs that do not fit into memory, before anything starts", async () => {
  const path = await specOf("huge", { nEmbd: 200_000, nLayer: 200 });
  for (const task of ["plan", "sweep"]) {
    const out = join(root, "huge");
    const { code, stderr } = await runTask(task, [path, "--out", out]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /Cannot fit the run into memory: expected a run of at most .*, got one of about \d+ TB \(.* nEmbd 200000/,
    );
    assert(!exists(out));
  }
});

Deno.test("explain names the differences that make a run reusable or new", async (t) => {
  const explain = async (run: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runTask("explain", [run, ...more]);
    assertEquals(code, 0, stderr);
    return stdout;
  };
  await t.step("no change", async () => {
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
    const run = editRun(onlyRun(dir), (manifest) => Object.assign(manifest, { libSha256: "0".repeat(64) }));
    assertMatch(await explain(run), /→ new: code: lib\/ has changed: /);
  });
  await t.step("data", async () => {
    const dir = copy(done, join(root, "other-text"));
    const run = editRun(onlyRun(dir), ({ data }) => data!["sha256"] = "0".repeat(64));
    assertMatch(await explain(run), /→ new: data: Cannot use the corpus .* as recorded, got /);
  });
  await t.step("spec of a planned run", async () => {
    const dir = copy(done, join(root, "more"));
    const { runs: [first], data, libSha256, ...plan } = readPlan(dir)!;
    const spec = { ...first!.spec, lr: 0.5, seed: 9 };
    const id = runIdOf({ spec, dataSha256: data.sha256, libSha256 });
    writePlan(dir, { ...plan, data, libSha256, runs: [first!, { id, spec }] });
    const told = await explain(join(dir, "runs", id), "--against", done);
    assertMatch(told, /planned, not started/);
    assertMatch(
      told,
      /→ new: no run has the same ID; the most similar differs in seed \(there 1, here 9\), lr \(there 0.001, here 0.5\)/,
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
      `elsewhere: this run is finished in ${done}; copy it with \`deno task merge ${dir} ${done}\``,
    );
    assertMatch(told, /→ new: it ran in .*, not here/);
    for (const wrong of [join(root, "no-such"), run, join(root, "text.txt")]) {
      const { code, stderr } = await runTask("explain", [onlyRun(done), "--against", wrong]);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, /expected a folder with runs/);
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
      [done, `a sweep's folder with the run ${onlyRun(done)}`],
      [empty, "a folder without manifest.json"],
      [nowhere, "a path that does not exist"],
    ];
    for (const [folder, found] of told) {
      const { code, stderr } = await runTask("explain", [folder!]);
      assertEquals([code, stderr], [
        2,
        `Cannot explain ${folder}: expected a run's folder, SWEEP/runs/ID, got ${found}. Correct the path.\n`,
      ]);
    }
  });
  await t.step("a copy of a run outside of any sweep", async () => {
    const alone = copy(onlyRun(done), join(root, "alone", "run"));
    assertMatch(await explain(alone), /^run [0-9a-f]{12}: finished.*\nspec: no plan; no other run/);
  });
});

Deno.test("reproduce reports identical, within tolerance, diverged with step and changes, or not reproduced", async (t) => {
  const reproduce = async (run: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runTask("reproduce", [run, ...more]);
    assert(!stderr.includes("    at "), stderr);
    return { code, stdout: stdout.trim(), stderr };
  };
  const changed = (name: string, step: number, loss: (was: number) => number) => {
    const dir = copy(done, join(root, name));
    const { journal } = runPaths(onlyRun(dir));
    const found = new RegExp(`("event":"step".*"step":${step},.*"loss":)([\\d.]+)`);
    const whole = editRecord(
      journal,
      (text) => text.replace(found, (_, before, was) => `${before}${loss(Number(was))}`),
    );
    assert(Deno.readTextFileSync(journal) !== whole);
    return onlyRun(dir);
  };
  await t.step("identical", async () => {
    assertEquals((await reproduce(onlyRun(done))).stdout, "identical");
  });
  await t.step("within tolerance, with the largest difference", async () => {
    const { code, stdout } = await reproduce(changed("near", 4, (loss) => loss + 1e-4));
    assertEquals(code, 0);
    assertEquals(stdout, "within tolerance: losses differ by at most 1.00e-4 nats, at step 4");
  });
  await t.step("diverged by more than a given tolerance", async () => {
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
  await t.step("not reproduced: changed text", async () => {
    const dir = copy(done, join(root, "gone"));
    const run = editRun(onlyRun(dir), ({ data }) => data!["sha256"] = "0".repeat(64));
    const { code, stdout } = await reproduce(run);
    assertEquals(code, 2);
    assertMatch(stdout, /^not reproduced: Cannot use the corpus/);
  });
  await t.step("text in the plan's folder, or named by --data", async () => {
    const dir = copy(done, join(root, "carried"));
    edit(runPaths(onlyRun(dir)).manifest, ({ data }) => data!["path"] = join(root, "no", "text.txt"));
    assertMatch((await reproduce(onlyRun(dir))).stdout, /^not reproduced: Cannot read the corpus/);
    assertEquals((await reproduce(onlyRun(dir), "--data", text)).stdout, "identical");
    await Deno.copyFile(text, join(dir, "text.txt"));
    assertEquals((await reproduce(onlyRun(dir))).stdout, "identical");
  });
  await t.step("not reproduced: unfinished run", async () => {
    const dir = copy(done, join(root, "half"));
    const { journal } = runPaths(onlyRun(dir));
    const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
    await Deno.writeTextFile(journal, `${lines.slice(0, -1).join("\n")}\n`);
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals([code, stdout], [2, "not reproduced: the run is not finished: it is unfinished"]);
  });
  await t.step("not reproduced: damaged files", async () => {
    const dir = copy(done, join(root, "broken"));
    await Deno.writeTextFile(runPaths(onlyRun(dir)).manifest, "{");
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 2);
    assertMatch(stdout, /^not reproduced: Cannot read .*manifest.json: expected a run's manifest/);
  });
  await t.step("not reproduced: checkpoint that does not match the journal", async () => {
    const dir = copy(done, join(root, "truncated"));
    const { checkpoint } = runPaths(onlyRun(dir));
    Deno.truncateSync(checkpoint, Deno.statSync(checkpoint).size - 8);
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 2);
    assertMatch(
      stdout,
      /^not reproduced: Cannot use .*checkpoint.safetensors: expected the file with SHA-256/,
    );
  });
  await t.step("not reproduced: other code made the run; --present-code runs this checkout", async () => {
    const dir = copy(done, join(root, "lost-code"));
    editRun(onlyRun(dir), (manifest) => {
      Object.assign(manifest, { libSha256: "0".repeat(64) });
      Object.assign(manifest["environment"]!, { gitCommit: "f".repeat(40), gitDiffSha256: undefined });
    });
    const { code, stdout } = await reproduce(onlyRun(dir));
    assertEquals(code, 2);
    assertMatch(
      stdout,
      /^not reproduced: the run used other code .*: commit f{40}\. Pass --run-recorded-code .* this checkout$/,
    );
    const recorded = await reproduce(onlyRun(dir), "--run-recorded-code");
    assertEquals(recorded.code, 2);
    assertMatch(recorded.stdout, /^not reproduced: .*commit f{40} is not in this repository$/);
    const present = await reproduce(onlyRun(dir), "--present-code");
    assertEquals(present.code, 0);
    assertMatch(
      present.stdout,
      /^changed: code: this checkout's code, because of --present-code\nidentical$/,
    );
  });
  await t.step(
    "skips a damaged run of a folder, and reports each problem once",
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
        /^.*\/0{12}: not reproduced: Cannot read .*\n.*\/[0-9a-f]{12}: identical\n.*\/f{12}: not reproduced: .*$/,
      );
      assertEquals(stderr, "");
      const none = join(root, "no-runs");
      Deno.mkdirSync(join(none, "runs"), { recursive: true });
      const nothing = await reproduce(none);
      assertEquals([nothing.code, nothing.stdout], [2, ""]);
      assertMatch(
        nothing.stderr,
        /^Cannot reproduce .*: expected a sweep's folder with runs, got one without runs\.\n$/,
      );
    },
  );
  await t.step("all runs of a folder", async () => {
    const { code, stdout } = await reproduce(done);
    assertEquals([code, stdout], [0, `${onlyRun(done)}: identical`]);
  });
});
