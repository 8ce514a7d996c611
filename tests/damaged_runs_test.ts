/**
 * Sweeps with one damaged run, or with a run whose folder is a link that leaves the sweep. Every command uses the other
 * runs, reports the excluded run with the reason, and exits with status 3.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { readRun, readRuns, runFolder, runPaths } from "../lib/record/mod.ts";
import { findProgram } from "./support/debian.ts";
import { runTask } from "./support/commands.ts";
import { copy, root, specOf } from "./support/tiny_sweep.ts";

const AXES = {
  policy: ["float32", "bf16-autocast"],
  seeds: [1, 2],
  steps: 4,
  evalEvery: 2,
  checkpointEvery: 2,
};
const path = await specOf("four", AXES);
const whole = join(root, "four");
const made = await runTask("sweep", [path, "--out", whole, "--workers", "2"]);
assertEquals(made.code, 0, made.stderr);
const ids = readRuns(whole).filter(({ manifest: { spec } }) => spec.seed === 2).map(({ manifest }) =>
  manifest.runId
);
const [id] = ids as [string];

/** Damaged copies of the sweep: the damage of a run, and the reported reason. */
const DAMAGE: Record<string, { to: (folder: string) => void; said: RegExp }> = {
  "a journal with a garbled line": {
    to: (folder) => {
      const { journal } = runPaths(folder);
      const lines = Deno.readTextFileSync(journal).split("\n");
      Deno.writeTextFileSync(journal, lines.with(3, lines[3]!.replace('"loss":', '"loss":"?",')).join("\n"));
    },
    said: /journal.jsonl, line 4: /,
  },
  "a journal of another run": {
    to: (folder) => Deno.copyFileSync(runPaths(runFolder(whole, ids[1]!)).journal, runPaths(folder).journal),
    said: new RegExp(
      `journal.jsonl, line 1: expected an event, got a line with an error: expected the journal of run ${id}, got that of run `,
    ),
  },
  "a journal that is a folder": {
    to: (folder) => {
      Deno.removeSync(runPaths(folder).journal);
      Deno.mkdirSync(runPaths(folder).journal);
    },
    said: /journal.jsonl: expected a regular file, got a folder/,
  },
  "a checkpoint that is a folder": {
    to: (folder) => {
      Deno.removeSync(runPaths(folder).checkpoint);
      Deno.mkdirSync(runPaths(folder).checkpoint);
    },
    said: /checkpoint.safetensors: expected a regular file, got a folder/,
  },
  "a link that leaves the sweep": {
    to: (folder) => {
      const elsewhere = join(root, `elsewhere-${crypto.randomUUID()}`);
      Deno.renameSync(folder, elsewhere);
      Deno.symlinkSync(elsewhere, folder);
    },
    said: new RegExp(`${id} is a symbolic link that leaves the sweep's folder for `),
  },
};

Deno.test("a run that lost any line of its journal is not finished, or damaged", () => {
  const dir = copy(whole, join(root, "lost-lines"));
  const { folder, journal } = runPaths(runFolder(dir, id));
  const lines = Deno.readTextFileSync(journal).split(/(?<=\n)/);
  for (const i of lines.keys()) {
    Deno.writeTextFileSync(journal, lines.toSpliced(i, 1).join(""));
    if (i === lines.length - 1) assertEquals(readRun(folder).status, "unfinished");
    else assertThrows(() => readRun(folder), UserError, `${journal}, line `);
  }
});

for (const [name, { to, said }] of Object.entries(DAMAGE)) {
  Deno.test(`${name} does not prevent commands from using the other runs`, async (t) => {
    const dir = copy(whole, join(root, name.replaceAll(" ", "-")));
    const folder = runFolder(dir, id);
    to(folder);
    const evidence = filesOf(folder);
    const leftOut = new RegExp(`warning: run ${id} is skipped: .*${said.source}`);

    await t.step("sweep", async () => {
      const { code, stderr, stdout } = await runTask("sweep", [path, "--out", dir]);
      assertEquals(code, 3, stderr);
      assertMatch(stderr, new RegExp(`failed: ${id}: .*${said.source}`));
      assertStringIncludes(stderr, "3 of 4 runs finished");
      assertMatch(stdout, leftOut);
      assertEquals(filesOf(folder), evidence, "the damaged run is kept as it was");
    });
    await t.step("report", async () => {
      const { code, stdout } = await runTask("report", [dir, "--figures", "svg"]);
      assertEquals(code, 3);
      assertMatch(stdout, leftOut);
      const html = Deno.readTextFileSync(join(dir, "report.html"));
      assertMatch(html, new RegExp(`<h2>Excluded runs</h2>[^]*<li>run ${id}: `));
      assertStringIncludes(html, "exclude 1 run of the folder");
    });
    await t.step("export", async () => {
      const { code, stdout, stderr } = await runTask("export", [dir]);
      assertEquals([code, stdout.trim().split("\n").length], [3, 3]);
      assertMatch(stderr, leftOut);
    });
    await t.step("plan", async () => {
      const { code, stdout, stderr } = await runTask("plan", [path, "--out", dir]);
      assertEquals(code, 3, stderr);
      assertMatch(stderr, leftOut);
      assertMatch(stdout, new RegExp(`${id} .* damaged`));
      assertStringIncludes(stdout, "4 runs, 3 of them finished in");
    });
    await t.step("compare", async () => {
      const { code, stdout, stderr } = await runTask("compare", [dir, "--culprit", "none"]);
      assertEquals(code, 3, stderr);
      assertMatch(stdout, leftOut);
      const json = JSON.parse(Deno.readTextFileSync(join(dir, "compare.json")));
      assertEquals(json.leftOut.map((run: { id: string }) => run.id), [id]);
      assertMatch(json.leftOut[0].reason, said);
      assertEquals(json.comparisons.length, 1);
    });
    await t.step("merge", async () => {
      const { code, stdout } = await runTask("merge", [whole, dir]);
      assertEquals(code, 3, stdout);
      assertMatch(stdout, new RegExp(`damaged: run ${id} .*${said.source}`));
      assertStringIncludes(stdout, "4 of 4 runs are finished");
    });
    await t.step("explain and generate reject the damaged run by name", async () => {
      for (const args of [["explain", folder], ["generate", folder]] as const) {
        if (args[0] === "generate" && name.startsWith("a journal")) continue; // it needs no journal
        const { code, stderr } = await runTask(args[0], [args[1]]);
        assertEquals(code, 2, args[0]);
        assertMatch(stderr, said);
        assert(!stderr.includes("    at "), stderr);
      }
    });
  });
}

/** Runs a command without root's permission to read everything. Empty: not root. Undefined: impossible here. */
const asUser = Deno.uid() !== 0 ? [] : findProgram("setpriv") &&
  ["setpriv", ...["--bounding-set", "--inh-caps"].map((set) => `${set}=-dac_override,-dac_read_search`)];

Deno.test({
  name: `runs without permission to read are skipped and named${asUser ? "" : " (skipped: needs setpriv)"}`,
  ignore: asUser === undefined,
  fn: async () => {
    const dir = copy(whole, join(root, "unreadable"));
    const folders = ids.map((id) => runFolder(dir, id)) as [string, string];
    const { journal } = runPaths(folders[1]);
    Deno.chmodSync(folders[0], 0);
    Deno.chmodSync(journal, 0);
    try {
      for (const task of ["report", "export"]) {
        const [program = "", ...args] = [...asUser!, Deno.execPath(), "task", "--quiet", task, dir];
        const { code, stdout, stderr } = await new Deno.Command(program, {
          args,
          cwd: new URL("../", import.meta.url).pathname,
          env: { NO_COLOR: "1" },
        }).output();
        const printed = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
        assertEquals(code, 3, printed);
        assertMatch(
          printed,
          new RegExp(`run ${ids[0]} is skipped: ${folders[0]} cannot be read: Permission denied`),
        );
        assertMatch(
          printed,
          new RegExp(`run ${ids[1]} is skipped: Cannot read the journal ${journal}: Permission denied`),
        );
      }
    } finally {
      Deno.chmodSync(folders[0], 0o755);
    }
  },
});

Deno.test("a file or a link in place of the folder of runs is refused before anything starts", async () => {
  const places: Record<string, (runs: string) => void> = {
    file: (runs) => Deno.writeTextFileSync(runs, "no folder"),
    outside: (runs) => Deno.symlinkSync(join(whole, "runs"), runs),
    dangling: (runs) => Deno.symlinkSync("nowhere", runs),
  };
  for (const [name, place] of Object.entries(places)) {
    const dir = join(root, `runs-${name}`), runs = join(dir, "runs");
    Deno.mkdirSync(dir);
    Deno.copyFileSync(join(whole, "plan.json"), join(dir, "plan.json"));
    place(runs);
    const commands: [task: string, args: string[]][] = [
      ["sweep", [path, "--out", dir]],
      ["sweep", ["--resume", "--out", dir]],
      ["run", [dir, "--index", "0"]],
      ["merge", [dir, whole]],
      ["merge", [whole, dir]],
      ["report", [dir]],
      ["export", [dir]],
      ["compare", [dir]],
    ];
    for (const [task, args] of name === "file" ? commands : commands.slice(0, 1)) {
      const context = `${task} ${args.join(" ")}`, { code, stdout, stderr } = await runTask(task, args);
      assertEquals([code, stdout], [2, ""], `${context}: ${stderr}`);
      assertStringIncludes(stderr, runs, context);
      assert(!stderr.includes("    at "), stderr);
    }
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), ["plan.json", "runs"]);
  }
});

Deno.test("every command follows a link inside the sweep's folder", async () => {
  const dir = copy(whole, join(root, "inside"));
  Deno.mkdirSync(join(dir, "store"));
  Deno.renameSync(runFolder(dir, id), join(dir, "store", "run"));
  Deno.symlinkSync(join("..", "store", "run"), runFolder(dir, id));
  for (
    const [task, args] of [["sweep", [path, "--out", dir]], ["report", [dir]], ["export", [dir]]] as const
  ) {
    const { code, stdout, stderr } = await runTask(task, [...args]);
    assertEquals(code, 0, stderr);
    assert(!`${stdout}${stderr}`.includes("is skipped"), task);
  }
  assertStringIncludes((await runTask("plan", [path, "--out", dir])).stdout, "4 runs, finished in");
  const merged = await runTask("merge", [dir, "--out", join(root, "merged")]);
  assertEquals(merged.code, 0, merged.stderr);
  assertStringIncludes(merged.stdout, "4 of 4 runs are finished");
});

/** Returns the names and contents of a folder's files. */
function filesOf(folder: string): Record<string, string> {
  const names = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name).sort();
  return Object.fromEntries(names.map((name) => [name, Deno.readFileSync(join(folder, name)).toString()]));
}
