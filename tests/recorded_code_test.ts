/**
 * Code in a folder of runs: `reproduce` executes it only with --run-recorded-code, and prints it first.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { exists } from "../lib/file/exists.ts";
import { hashSources } from "../lib/record/mod.ts";
import { runTask } from "./support/commands.ts";
import { findProgram } from "./support/debian.ts";
import { editRun } from "./support/edit_record.ts";
import { capture } from "./support/python.ts";
import { copy, done, onlyRun, root } from "./support/tiny_sweep.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const clone = join(root, "clone");

const git = (...args: string[]) => capture("git", ["-C", clone, ...args]);

/** Creates a repository with one commit of this checkout's code. Returns the hash of the commit. */
async function makeClone(): Promise<string> {
  Deno.mkdirSync(clone);
  for (const name of ["lib", "data"]) copy(join(ROOT, name), join(clone, name));
  copy(join(ROOT, "tests", "std_assert"), join(clone, "tests", "std_assert"));
  for (const name of ["deno.json", "deno.lock", "import_map.json"]) {
    Deno.copyFileSync(join(ROOT, name), join(clone, name));
  }
  await git("init", "--quiet");
  await git("add", "--all");
  await git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "all");
  return (await git("rev-parse", "HEAD")).trim();
}

async function reproduce(dir: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "reproduce", onlyRun(dir), ...args],
    cwd: clone,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test({
  name: "reproduce executes no code of a folder; --run-recorded-code prints the code first",
  ignore: findProgram("git") === undefined,
  fn: async () => {
    const commit = await makeClone();
    // An attacker's folder: a changed code.diff with matching hashes.
    const dir = copy(done, join(root, "prepared")), trace = join(root, "trace");
    const worker = join(clone, "lib", "sweep", "worker.ts"), whole = Deno.readTextFileSync(worker);
    Deno.writeTextFileSync(worker, `Deno.writeTextFileSync(${JSON.stringify(trace)}, "ran");\n${whole}`);
    Deno.writeTextFileSync(join(dir, "code.diff"), await git("diff", "--binary", "HEAD"));
    const libSha256 = hashSources(join(clone, "lib"));
    Deno.writeTextFileSync(worker, whole);
    editRun(onlyRun(dir), (manifest) => {
      Object.assign(manifest, { libSha256 });
      Object.assign(manifest["environment"]!, { gitCommit: commit, gitDiffSha256: "0".repeat(64) });
    });

    const refused = await reproduce(dir);
    assertEquals([refused.code, exists(trace)], [2, false], refused.stderr);
    assertMatch(refused.stdout, /^not reproduced: the run used other code than this checkout: commit /);
    assertStringIncludes(refused.stdout, "Pass --run-recorded-code to see and run that code");

    const present = await reproduce(dir, "--present-code");
    assertEquals([present.code, exists(trace)], [0, false], present.stderr);
    assertMatch(present.stdout, /^changed: code: this checkout's code, .*\nidentical\n$/);

    const both = await reproduce(dir, "--present-code", "--run-recorded-code");
    assertEquals([both.code, both.stderr.includes("got both")], [2, true]);

    const shown = await reproduce(dir, "--run-recorded-code");
    assertEquals([shown.code, shown.stdout, exists(trace)], [0, "identical\n", true], shown.stderr);
    const [files = "", diff = ""] = shown.stderr.split("code.diff contains:");
    assertMatch(files, /differs from this checkout in:\n {2}lib\/sweep\/worker\.ts\n/);
    assert(diff.includes('+Deno.writeTextFileSync("'), diff);

    // Without recorded changes, code.diff is not read.
    Deno.removeSync(trace);
    editRun(onlyRun(dir), (manifest) => {
      Object.assign(manifest, { libSha256: hashSources(join(clone, "lib")) });
    });
    const same = await reproduce(dir, "--run-recorded-code");
    assertEquals([same.code, same.stdout, exists(trace)], [0, "identical\n", false], same.stderr);
  },
});

Deno.test("a recorded commit that is an option of git is rejected", async () => {
  const dir = copy(done, join(root, "option")), out = join(root, "written");
  editRun(onlyRun(dir), (manifest) => {
    Object.assign(manifest, { libSha256: "0".repeat(64) });
    Object.assign(manifest["environment"]!, { gitCommit: `--output=${out}` });
  });
  for (const task of ["explain", "reproduce", "report"]) {
    const { code, stdout, stderr } = await runTask(task, [task === "report" ? dir : onlyRun(dir)]);
    const text = stdout + stderr;
    assert(code !== 1 && !text.includes("    at "), text);
    assertStringIncludes(text, "environment.gitCommit: expected 40 or 64 hexadecimal digits");
    assertEquals(exists(out), false);
  }
});
