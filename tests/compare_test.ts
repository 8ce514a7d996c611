/**
 * `compare` on recorded runs, from the command line: output, files and errors.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import { runTask } from "./support/commands.ts";
import { simulatePairs } from "./support/simulated_pairs.ts";
import { type SyntheticRun, writeSyntheticRun } from "./support/synthetic_runs.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

/** Writes a sweep's folder with simulated pairs. Also returns the folders of runs by precision. */
function folderOf(
  name: string,
  simulated: Parameters<typeof simulatePairs>[0],
): { dir: string; float32: string[]; bf16: string[] } {
  const dir = join(root, name);
  const write = ({ manifest, events }: ReturnType<typeof simulatePairs>[number]["baseline"]) => {
    const losses = events.flatMap((event) => event.event === "step" ? [event.loss] : []);
    const evals = events.flatMap((event) => event.event === "eval" ? [event] : []);
    const { policy, seed } = manifest.spec;
    return writeSyntheticRun(dir, { losses, evals, spec: { policy, seed } });
  };
  const pairs = simulatePairs(simulated).map(({ baseline, other }) =>
    [write(baseline), write(other)] as const
  );
  return { dir, float32: pairs.map(([a]) => a), bf16: pairs.map(([, b]) => b) };
}

/** Returns the last line other than the path of a report. */
function verdict(stdout: string): string {
  return stdout.trim().split("\n").filter((line) => line !== "" && !line.startsWith("report:")).at(-1)!;
}

Deno.test("compare prints the verdict of a sweep's folder, and writes compare.json and the report", async () => {
  const { dir } = folderOf("degraded", { simulation: 1, pairs: 5, effect: () => 0.08 });
  const { code, stdout, stderr } = await runTask("compare", [dir]);
  assertEquals(code, 0, stderr);
  assertMatch(
    verdict(stdout),
    /^degraded by 0\.0\d+ ± 0\.0\d+ nats \(95 %, 5 paired seeds\): bf16-autocast against float32/,
  );
  assertStringIncludes(stdout, "Seed spread: the final validation losses of two seeds of float32 differ by");
  const record = JSON.parse(await Deno.readTextFile(join(dir, "compare.json")));
  assertEquals(record.format, "losskit-compare/2");
  const [comparison] = record.comparisons;
  assertEquals([comparison.verdict.kind, comparison.verdict.sentence], ["degraded", verdict(stdout)]);
  assertEquals(comparison.pairs.length, 5);
  // Five pairs with gaps of a standard deviation of 0.01: six standard errors.
  assert(Math.abs(comparison.gaps.validation.mean - 0.08) < 0.027);
  assert((await Deno.stat(join(dir, "report.html"))).isFile);
  const brief = join(root, "brief", "result.json");
  const same = await runTask("compare", [dir, "--json", brief]);
  const { comparisons: [short], environment, grids } = JSON.parse(await Deno.readTextFile(brief));
  assertEquals([short.verdict, short.pairs, grids], [comparison.verdict, 5, []]);
  assertEquals(environment.cpuModel, "Synthetic CPU");
  assertEquals(same.stdout, stdout);
  const other = await runTask("compare", [dir, "--tolerance", "1"]);
  assertMatch(verdict(other.stdout), /^stable: /);
});

Deno.test("compare of two runs judges a repeated run, two seeds, and a gap with a noise floor", async () => {
  const { float32, bf16 } = folderOf("two", { simulation: 2, pairs: 4, effect: () => 1 });
  const same = await runTask("compare", [float32[0]!, float32[0]!]);
  assertEquals(same.code, 0, same.stderr);
  assertMatch(verdict(same.stdout), /^stable: .* the gap is exactly 0\.$/);
  const seeds = await runTask("compare", [float32[0]!, float32[1]!]);
  assertMatch(
    verdict(seeds.stdout),
    /^undecided: the runs differ in seed, not in precision: .* seeds 1 and 2 of float32 differ by/,
  );
  for (const pair of [[float32[0]!, bf16[0]!], [bf16[0]!, float32[0]!]]) {
    const json = join(root, "two.json");
    const { stdout } = await runTask("compare", [...pair, "--json", json]);
    assertMatch(
      verdict(stdout),
      /^degraded by \d\.\d+ ± \d\.\d+ nats: bf16-autocast changes .* in a single pair/,
    );
    assertEquals(JSON.parse(await Deno.readTextFile(json)).comparisons[0].verdict.sentence, verdict(stdout));
  }
});

const WRONG: [
  name: string,
  args: (at: { dir: string; float32: string[]; bf16: string[] }) => string[],
  RegExp,
][] = [
  ["a run alone", ({ float32 }) => [float32[0]!], /expected a second run to compare it with, got one run/],
  [
    "a run that is not there",
    ({ float32 }) => [float32[0]!, join(root, "none")],
    /Cannot read the run .*, got a path that does not exist/,
  ],
  [
    "other seed and precision",
    ({ float32, bf16 }) => [float32[0]!, bf16[1]!],
    /got policy "float32" and "bf16-autocast", seed 1 and 2/,
  ],
  [
    "a folder without pairs",
    () => [join(root, "alone")],
    /expected a finished run in float32 .* without such a pair/,
  ],
  ["a folder without runs", () => [join(root, "empty")], /Cannot read the sweep/],
  [
    "a folder that is not there",
    () => [join(root, "none")],
    /expected a run's or a sweep's folder, or a spec/,
  ],
  ["a spec that is not there", () => [join(root, "none.json")], /Cannot read the spec/],
  [
    "a spec of one precision",
    () => [join(root, "one.json")],
    /expected runs in float32, without overrides, and runs in a lower precision/,
  ],
  ["a tolerance that is none", ({ dir }) => [dir, "--tolerance", "little"], /--tolerance: expected a number/],
  [
    "a level that is none",
    ({ dir }) => [dir, "--level", "95"],
    /--level: expected a number above 0 and below 1, got 95/,
  ],
  ["a third run", ({ float32 }) => [...float32.slice(0, 3)], /too many arguments/],
  [
    "a file that cannot be written",
    ({ float32, bf16 }) => [float32[0]!, bf16[0]!, "--json", join(root, "one.json", "x.json")],
    /Cannot write/,
  ],
];

Deno.test("compare names the precision of each note on unfinished pairs", async () => {
  const folder = await Deno.makeTempDir();
  for (const policy of ["float32", "bf16-autocast", "fp16-scaled"]) {
    for (const seed of [1, 2, 3]) {
      const run = { losses: [3, 2 + seed / 100], evals: [{ step: 2, loss: 2 + seed / 100 }] };
      const end = policy !== "float32" && seed === 3 ? "none" : "finish";
      writeSyntheticRun(folder, { ...run, end, spec: { policy, seed } });
    }
  }
  const { stdout, stderr } = await runTask("compare", [folder, "--culprit", "none"]);
  const notes = (stdout + stderr).split("\n").filter((line) => line.includes("excluded"));
  assertEquals(notes.map((line) => line.replace(/, character.*: /, ": ")), [
    "note: bf16-autocast: 1 unfinished pair is excluded",
    "note: fp16-scaled: 1 unfinished pair is excluded",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("compare reports incomparable runs with status 2 and without a stack trace", async (t) => {
  const at = folderOf("wrong é", { simulation: 3, pairs: 3, steps: 20 });
  const lone: SyntheticRun = { losses: [3, 2] };
  writeSyntheticRun(join(root, "alone"), lone);
  await Deno.mkdir(join(root, "empty"));
  await Deno.writeTextFile(join(root, "one.json"), JSON.stringify({ policy: ["bf16-autocast"] }));
  for (const [name, args, message] of WRONG) {
    await t.step(name, async () => {
      const { code, stderr } = await runTask("compare", args(at));
      assertEquals(code, 2, stderr);
      assertMatch(stderr, message);
      assert(!stderr.includes("    at "), stderr);
    });
  }
  const fine = await runTask("compare", [at.dir]);
  assertEquals([fine.code, basename(at.dir)], [0, "wrong é"], fine.stderr);
});
