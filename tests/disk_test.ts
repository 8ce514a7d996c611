// @heavy
/**
 * Full disks, read-only disks, lost writes, and clocks that jump. The folder stays readable, and the repeated command has the
 * results of an uninterrupted sweep.
 */
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "node:path";
import { exists } from "../lib/file/exists.ts";
import { readJournal, readRuns, runFolder, runPaths } from "../lib/record/mod.ts";
import { makePlan, parseSweepSpec, type Plan, readPlan } from "../lib/sweep/mod.ts";
import { resultDifferences } from "../lib/proof/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());
const spec = join(root, "spec.json");
const TINY = {
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], policy: ["float32"], seeds: [1, 2, 3, 4] },
  ...{ tokensPerStep: 32, nLayer: 1, nHead: 2, nEmbd: 16, warmupSteps: 0, dropout: 0.1 },
  ...{ steps: 20, evalEvery: 10, evalTokens: 64, checkpointEvery: 4 },
};
await Deno.writeTextFile(spec, JSON.stringify(TINY));

/** Folder of the uninterrupted sweep. */
const want = join(root, "undisturbed");
const first = await runTask("sweep", [spec, "--out", want]);
assertEquals(first.code, 0, first.stderr);
const plan: Plan = readPlan(want)!;

function assertSame(got: string): void {
  assertEquals(resultDifferences(plan, { want, got }), []);
}

function copy(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) copy(source, target);
    else if (entry.name !== "report.html") Deno.copyFileSync(source, target);
  }
}

/** Copies one run of a sweep and its plan. */
function copyRun(from: string, to: string): void {
  const { id } = plan.runs[0]!;
  copy(runFolder(from, id), runFolder(to, id));
}

/** Fills a disk. */
function fill(disk: string): void {
  try {
    for (let i = 0;; i++) Deno.writeFileSync(join(disk, `fill-${i}`), new Uint8Array(4096));
  } catch (error) {
    assertMatch(String(error), /No space left/);
  }
}

function system(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Mounts a small disk in memory. Returns undefined if mounting is not possible: it requires root. */
function mountDisk(size: string): string | undefined {
  const dir = Deno.makeTempDirSync({ dir: root });
  return system("mount", "-t", "tmpfs", "-o", `size=${size}`, "none", dir) ? dir : undefined;
}

const canMount = (() => {
  const dir = mountDisk("64k");
  return dir !== undefined && system("umount", dir);
})();
const unlessMounted = canMount ? "" : " (skipped: only root can mount a small disk, and not everywhere)";

Deno.test({
  name:
    `a full disk fails runs with the reason, leaves the folder readable, and the sweep can be resumed${unlessMounted}`,
  ignore: !canMount,
  fn: async () => {
    const disk = mountDisk("200k")!;
    try {
      const full = await runTask("sweep", [spec, "--out", disk, "--workers", "2", "--retries", "0"]);
      assert([2, 3].includes(full.code), `status ${full.code}: ${full.stderr}`);
      assertMatch(full.stderr, /No space left on device/);
      assert(!full.stderr.includes("    at "), full.stderr);
      readRuns(disk);
      assert(system("mount", "-o", "remount,size=64m", disk));
      const again = await runTask("sweep", [spec, "--out", disk, "--resume"]);
      assertEquals(again.code, 0, again.stderr);
      assertSame(disk);
    } finally {
      system("umount", disk);
    }
  },
});

Deno.test({
  name: `a run on a full disk names the file and the cause, and is not retried${unlessMounted}`,
  ignore: !canMount,
  fn: async () => {
    const failed: string[] = [];
    for (const size of ["28k", "48k", "72k", "100k", "140k"]) {
      const disk = mountDisk(size)!;
      try {
        const { code, stderr } = await runTask("sweep", [spec, "--out", disk, "--retries", "3"]);
        // Bad input only if nothing was started.
        const hasStarted =
          [...exists(join(disk, "runs")) ? Deno.readDirSync(join(disk, "runs")) : []].length > 0;
        assertEquals(code, hasStarted || /^\d+ runs /m.test(stderr) ? 3 : 2, stderr);
        assertMatch(stderr, new RegExp(`${disk}.*No space left on device`));
        assertNotMatch(stderr, /retry|has no message|\n {4}at /);
        failed.push(...(code === 3 ? [size] : []));
      } finally {
        system("umount", disk);
      }
    }
    assert(failed.length > 1, `runs failed with ${failed}`);
  },
});

Deno.test({
  name:
    `commands on a full disk name the file and the cause in one sentence, with a status that says whether runs had started${unlessMounted}`,
  ignore: !canMount,
  fn: async () => {
    const model = ["--n-layer", "1", "--n-head", "2", "--n-embd", "16", "--seq", "8", "--batch", "4"];
    const training = ["--steps", "8", "--eval-every", "8", "--eval-tokens", "64", "--warmup-steps", "0"];
    for (
      const [kind, status, sizes, argsOf] of [
        // The runs fit, the report does not.
        ["sweep", 3, ["500k"], (disk: string) => [spec, "--out", disk]],
        ["train", 3, ["150k"], (disk: string) => [
          ...["--out", join(disk, "x"), "--data", text, "--vocab", "char", ...model, ...training],
        ]],
        ["merge", 3, ["20k", "100k"], (disk: string) => [want, "--out", join(disk, "m")]],
        // Without runs to train, nothing was started.
        ["report", 2, ["72k"], (disk: string) => [disk]],
        ["export", 2, ["72k"], (disk: string) => [disk, "--format", "parquet"]],
      ] as const
    ) {
      for (const size of sizes) {
        const disk = mountDisk(size)!;
        try {
          if (status === 2) {
            copyRun(want, disk);
            fill(disk);
          }
          const { code, stderr } = await runTask(kind, [...argsOf(disk)]);
          assertEquals(code, status, `${kind} on ${size}: ${stderr}`);
          const told = stderr.split("\n").filter((line) => line.includes("No space left on device"));
          assertEquals(told.length, 1, stderr);
          assertMatch(
            told[0]!,
            new RegExp(`Cannot write ${disk}/.*: No space left on device .*\\. Free space on its disk`),
          );
          assertNotMatch(stderr, /\n {4}at /);
        } finally {
          system("umount", disk);
        }
      }
    }
  },
});

Deno.test({
  name:
    `a read-only folder is reported and not changed, and the sweep can be resumed once it is writable${unlessMounted}`,
  ignore: !canMount,
  fn: async () => {
    const disk = mountDisk("65m")!;
    try {
      copy(want, disk);
      const { journal, checkpoint } = runPaths(runFolder(disk, plan.runs[1]!.id));
      const lines = (await Deno.readTextFile(journal)).trimEnd().split("\n");
      await Deno.writeTextFile(journal, `${lines.slice(0, 9).join("\n")}\n`);
      await Deno.remove(checkpoint);
      assert(system("mount", "-o", "remount,ro", disk));
      const refused = await runTask("sweep", [spec, "--out", disk]);
      assert([2, 3].includes(refused.code), `status ${refused.code}: ${refused.stderr}`);
      assertMatch(refused.stderr, /Read-only file system/);
      assert(!refused.stderr.includes("    at "), refused.stderr);
      assertEquals(readJournal(journal).events.length, 9);
      assert(system("mount", "-o", "remount,rw", disk));
      const again = await runTask("sweep", [spec, "--out", disk]);
      assertEquals(again.code, 0, again.stderr);
      assertSame(disk);
    } finally {
      system("umount", disk);
    }
  },
});

Deno.test("writes that a power cut lost, or replaced by zeros, are repeated", async () => {
  const random = createRandom(20261124, "power cuts");
  for (const zeros of [false, true]) {
    const dir = join(root, `cut-${zeros}`);
    copy(want, dir);
    for (const { id } of plan.runs) {
      const { journal, checkpoint, manifest } = runPaths(runFolder(dir, id));
      const bytes = Deno.readFileSync(journal);
      const kept = random.integer(bytes.length);
      const end = zeros ? new Uint8Array(random.integer(5000)) : new Uint8Array(0);
      Deno.writeFileSync(journal, Uint8Array.of(...bytes.subarray(0, kept), ...end));
      // Files that are written atomically are complete or missing.
      if (random.integer(3) === 0) Deno.removeSync(checkpoint);
      if (random.integer(4) === 0) Deno.removeSync(manifest);
      Deno.writeTextFileSync(`${checkpoint}.${crypto.randomUUID()}.tmp`, "half");
    }
    const { code, stderr } = await runTask("sweep", [spec, "--out", dir]);
    assertEquals(code, 0, stderr);
    assertSame(dir);
  }
});

Deno.test("a clock that jumps by years changes no result", async () => {
  const dir = join(root, "clock");
  const one = await makePlan(parseSweepSpec({ ...TINY, seeds: [1] }, "the test"), plan.threads);
  assertEquals(one.runs[0]!.id, plan.runs[0]!.id);
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const { id, spec: run } = one.runs[0]!;
  // The sweep is stopped after some steps and resumed, each time with another clock.
  const code = `const real = Date;
    globalThis.Date = class extends real {
      constructor(...given) { given.length ? super(...given) : super(real.now() + 3e11 * (Math.random() - 0.5)); }
    };
    const { executeRun } = await import(${module("../lib/run/mod.ts")});
    const stop = new AbortController();
    let lines = 0;
    Deno.exitCode = await executeRun(${
    JSON.stringify({ spec: run, data: one.data, libSha256: one.libSha256 })
  }, {
      folder: ${JSON.stringify(runFolder(dir, id))},
      signal: stop.signal,
      print: () => ++lines > Number(Deno.args[0]) && stop.abort(),
    });`;
  const script = join(root, "clock.ts");
  await Deno.writeTextFile(script, code);
  for (const [lines, wanted] of [[1, 75], [99, 0]] as const) {
    const { code: status, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", "deno.json", script, String(lines)],
    }).output();
    assertEquals(status, wanted, new TextDecoder().decode(stderr));
  }
  const { events } = readJournal(runPaths(runFolder(dir, id)).journal);
  const times = events.map(({ time }) => Date.parse(time));
  assert(times.some((time, i) => i > 0 && time < times[i - 1]! - 1e9), "the clock did not go back");
  const wantOne = join(root, "one");
  copy(runFolder(want, id), runFolder(wantOne, id));
  assertEquals(resultDifferences(one, { want: wantOne, got: dir }), []);
});
