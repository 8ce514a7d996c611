/**
 * The permissions of tasks, as deno.json states them: narrow where a task reads records that others may have made, and
 * enough for what it does.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { runTask } from "./support/commands.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as {
  tasks: Record<string, string>;
};

/** Permissions that a task has, of those that reach beyond files. */
function reach(task: string): string[] {
  const found = [...tasks[task]!.matchAll(/--allow-(run|ffi|net|import)(\S*)/g)].map(([, name, of]) =>
    `${name}${of}`
  );
  return tasks[task]!.includes(" -A") ? ["all"] : found.sort();
}

/** A folder of two pairs, made up. */
function sweep(root: string, name: string): string {
  const dir = join(root, name);
  for (const seed of [1, 2]) {
    for (const policy of ["float32", "bf16-autocast"]) {
      writeSyntheticRun(dir, { losses: [3, 2, 1], evals: [{ step: 3, loss: 1 }], spec: { policy, seed } });
    }
  }
  return dir;
}

Deno.test("tasks that read records may not start programs, call native code or reach the network", () => {
  for (const task of ["export", "merge"]) assertEquals([task, reach(task)], [task, []]);
  assertEquals(reach("report"), ["net=127.0.0.1"]);
  for (const task of ["plan", "explain"]) assertEquals([task, reach(task)], [task, ["run"]]);
  assertEquals(reach("compare"), ["ffi", "run"]);
  for (const task of ["export", "merge", "report", "plan", "explain", "compare"]) {
    assert(tasks[task]!.includes("--no-prompt"), task);
  }
});

Deno.test("each of these tasks does its work with the permissions that deno.json states", async () => {
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
    const [run = ""] = [...Deno.readDirSync(join(dir, "runs"))].map(({ name }) => join(dir, "runs", name));
    const commands: [string, string[]][] = [
      ["report", [dir, "--figures", "png"]],
      ["report", [dir, sweep(root, "other"), "--out", join(root, "both.html")]],
      ["export", [dir, "--format", "parquet,arrow,tensorboard"]],
      ["merge", [dir, "--out", join(root, "merged")]],
      ["compare", [dir, "--culprit", "none"]],
      ["compare", [dir]],
      ["explain", [run]],
      ["plan", [spec, "--out", join(root, "planned")]],
      ...Object.keys(tasks).filter((task) => tasks[task]!.includes("--no-prompt"))
        .map((task): [string, string[]] => [task, ["--help"]]),
    ];
    for (const [task, args] of commands) {
      const { code, stdout, stderr } = await runTask(task, args);
      // Made-up runs have no checkpoint: merge looks at them all, and takes none.
      assertEquals([task, code], [task, task === "merge" && args[0] === dir ? 3 : 0], stderr);
      assert(!/permission|NotCapable|--allow/.test(stdout + stderr), stdout + stderr);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("a missing permission is told in one sentence, without a prompt and a stack", async () => {
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

Deno.test("onlyRead() gives up programs, native code and the network for good", async () => {
  const code = `import { onlyRead } from ${JSON.stringify(import.meta.resolve("../lib/cli/command.ts"))};
onlyRead();
const states = ["run", "ffi", "net", "read"].map((name) => Deno.permissions.querySync({ name }).state);
console.log(states.join());`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-check", code],
    cwd: ROOT,
  }).output();
  // Tasks run without prompts: what is not granted is denied.
  assertEquals(new TextDecoder().decode(stdout), "prompt,prompt,prompt,granted\n");
});
