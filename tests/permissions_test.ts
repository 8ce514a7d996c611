/**
 * Permissions of the tasks in deno.json: tasks that read untrusted records have only the permissions that they need.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { runTask } from "./support/commands.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as {
  tasks: Record<string, { command: string }>;
};

/** Returns the permissions of a task other than file access, environment and system information. */
function permissionsOf(task: string): string[] {
  const { command } = tasks[task]!;
  const found = [...command.matchAll(/--allow-(run|ffi|net|import)(\S*)/g)].map(([, name, of]) =>
    `${name}${of}`
  );
  return command.includes(" -A") ? ["all"] : found.sort();
}

/** Writes a sweep's folder with two synthetic pairs. */
function sweep(root: string, name: string): string {
  const dir = join(root, name);
  for (const seed of [1, 2]) {
    for (const policy of ["float32", "bf16-autocast"]) {
      writeSyntheticRun(dir, { losses: [3, 2, 1], evals: [{ step: 3, loss: 1 }], spec: { policy, seed } });
    }
  }
  return dir;
}

Deno.test("tasks that read records cannot start programs, call native code or use the network", () => {
  for (const task of ["export", "merge", "note"]) assertEquals([task, permissionsOf(task)], [task, []]);
  assertEquals(permissionsOf("report"), ["net=127.0.0.1"]);
  for (const task of ["plan", "explain"]) assertEquals([task, permissionsOf(task)], [task, ["run"]]);
  assertEquals(permissionsOf("compare"), ["ffi", "run"]);
  for (const task of ["export", "merge", "report", "plan", "explain", "compare"]) {
    assert(tasks[task]!.command.includes("--no-prompt"), task);
  }
});

Deno.test("these tasks work with the permissions in deno.json", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const dir = sweep(root, "sweep"), spec = join(root, "spec.json"), text = join(root, "text.txt");
    Deno.writeTextFileSync(text, "to be or not to be, that is the question\n".repeat(200));
    const small = { nLayer: 1, nHead: 1, nEmbd: 8, seq: [8], tokensPerStep: 16, steps: 2, warmupSteps: 0 };
    Deno.writeTextFileSync(
      spec,
      JSON.stringify({
        name: "small",
        data: text,
        vocab: ["character"],
        policy: ["float32"],
        seeds: [1],
        ...small,
      }),
    );
    const withoutPolicy = join(root, "without_policy.json");
    Deno.writeTextFileSync(withoutPolicy, JSON.stringify({ data: text, vocab: ["character"], ...small }));
    const [run = ""] = [...Deno.readDirSync(join(dir, "runs"))].map(({ name }) => join(dir, "runs", name));
    const commands: [string, string[]][] = [
      ["report", [dir, "--figures", "png"]],
      ["report", [dir, sweep(root, "other"), "--out", join(root, "both.html")]],
      ["export", [dir, "--format", "parquet,arrow,tensorboard"]],
      ["merge", [dir, "--out", join(root, "merged")]],
      ["compare", [dir, "--culprit", "none"]],
      ["compare", [dir]],
      ["explain", [run]],
      ["note", [run, "text", "--tag", "a"]],
      ["plan", [spec, "--out", join(root, "planned")]],
      ["plan", [withoutPolicy, "--out", join(root, "by-device")]],
    ];
    for (const [task, args] of commands) {
      const { code, stdout, stderr } = await runTask(task, args);
      // Synthetic runs have no checkpoint, so merge copies none of them.
      assertEquals([task, code], [task, task === "merge" ? 3 : 0], stderr);
      assert(!/permission|NotCapable|--allow/.test(stdout + stderr), stdout + stderr);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("a missing permission is reported in one sentence, without prompt and stack trace", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const dir = sweep(root, "sweep");
    for (
      const granted of ["--allow-read", "--allow-write"]
    ) {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--no-prompt", granted, "lib/cli/report.ts", dir],
        cwd: ROOT,
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const said = new TextDecoder().decode(stderr);
      assertEquals(code, 2, said);
      assertMatch(said, /^Cannot .*Requires (write|read) access .*\n$/m);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("onlyRead() revokes the permissions to start programs, call native code and use the network", async () => {
  const code = `import { onlyRead } from ${JSON.stringify(import.meta.resolve("../lib/cli/command.ts"))};
onlyRead();
const states = ["run", "ffi", "net", "read"].map((name) => Deno.permissions.querySync({ name }).state);
console.log(states.join());`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-check", code],
    cwd: ROOT,
  }).output();
  // Tasks run with --no-prompt, where the state "prompt" denies.
  assertEquals(new TextDecoder().decode(stdout), "prompt,prompt,prompt,granted\n");
});
