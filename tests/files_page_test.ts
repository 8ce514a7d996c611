/**
 * docs/files.md lists exactly the files that runs, sweeps, comparisons, experiments, exports and saved models write, and the
 * events of journals.
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { writeKubernetesJobs, writeSlurmJobs } from "../lib/cluster/mod.ts";
import { runPaths, takeClaim } from "../lib/record/mod.ts";
import {
  compareFolder,
  exportRuns,
  noteRun,
  recordSweep,
  report,
  saveModel,
  type SweepSpecInput,
} from "../lib/study/mod.ts";
import { runExperiment } from "../lib/sweep/mod.ts";
import { edit, onlyRun, root, text } from "./support/tiny_sweep.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const PAGE = Deno.readTextFileSync(join(ROOT, "docs", "files.md"));

/** Rows that this test cannot or need not produce: an edited checkout, and the trials of tests/culprit_test.ts. */
const ELSEWHERE = ["code.diff", "culprit/"];

/** Patterns of the placeholders in paths. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  HASH: "[0-9a-f]{12}",
  ID: "[0-9a-f]{12}",
  NN: "[0-9]{2}",
  I: "[0-9]{5}",
  N: "[0-9]+",
  TITLE: "[^/]+",
  RUN: "[^/]+",
  TIME: "[0-9]+",
  SWEEP: "[^/]+",
};

/** Returns the cells of the first column of a section's tables of files, one path each. */
function pathsOf(heading: string): string[] {
  const section = PAGE.split(/^## /m).find((one) => one.startsWith(`${heading}\n`))!;
  const table = section.split("\n\n").find((block) => block.startsWith("| File"))!;
  const cells = table.split("\n").slice(2).map((row) => row.split("|")[1]!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path!));
}

/** Returns the files and empty folders below a folder, relative to it. */
function listing(folder: string, below = ""): string[] {
  return [...Deno.readDirSync(join(folder, below))].flatMap(({ name, isDirectory }) => {
    const path = `${below}${name}`;
    if (!isDirectory) return [path];
    const inside = listing(folder, `${path}/`);
    return inside.length === 0 ? [`${path}/`] : inside;
  });
}

/** Requires that each file has a row, and each row a file. A row that ends in a slash covers a folder. */
function assertListed(paths: readonly string[], files: readonly string[]): void {
  const rows = paths.map((path) => {
    const pattern = path.replaceAll(/[.]/g, "\\.").replaceAll(
      /(?<![A-Za-z])(ID|HASH|NN|I|N|TITLE|RUN|TIME|SWEEP)(?![A-Za-z])/g,
      (name) => PLACEHOLDERS[name]!,
    );
    return { path, pattern: new RegExp(path.endsWith("/") ? `^${pattern}` : `^${pattern}$`) };
  });
  const unlisted = files.filter((file) => !rows.some(({ pattern }) => pattern.test(file)));
  const missing = rows.filter(({ path, pattern }) =>
    !ELSEWHERE.includes(path) && !files.some((file) => pattern.test(file))
  );
  assertEquals([unlisted, missing.map(({ path }) => path)], [[], []]);
}

const SPEC: SweepSpecInput = {
  ...{ name: "listed", data: text, vocab: ["character"], seq: [8], policy: ["float32", "bf16-autocast"] },
  ...{ seeds: [1], tokensPerStep: 32, nLayer: 1, nHead: 2, nEmbd: 16, warmupSteps: 0 },
  ...{ steps: 4, evalEvery: 2, evalBytes: 64, checkpointEvery: 2, probeEvery: 2, saveBest: true },
  schedule: new URL("../examples/schedules.ts", import.meta.url).pathname as "cosine", // an input
};
const dir = join(root, "listed");

Deno.test("docs/files.md lists the files of runs, sweeps and comparisons", async () => {
  await recordSweep(SPEC, { dir });
  edit(join(onlyRun(dir), "manifest.json"), ({ environment }) => environment!["tensorflowVersion"] = "1.0");
  await recordSweep(SPEC, { dir }); // trains the run of the other TensorFlow again
  await compareFolder(dir);
  await report(dir, { figures: "svg" });
  await report(dir, { figures: "png" });
  await writeSlurmJobs(dir);
  await writeKubernetesJobs(dir, { image: "losskit", mount: "/data", claim: "disk", workingDir: "/losskit" });
  noteRun(onlyRun(dir), { text: "a note" });
  using _claim = await takeClaim(runPaths(onlyRun(dir)).claim);
  assertListed(pathsOf("Runs"), listing(onlyRun(dir)));
  assertListed([...pathsOf("Sweeps"), ...pathsOf("Comparisons")], listing(dir));
});

Deno.test("docs/files.md lists the files of exports", () => {
  exportRuns(dir, { formats: ["parquet", "arrow", "tensorboard"], out: join(root, "exported") });
  assertListed(pathsOf("Export"), listing(join(root, "exported")));
});

Deno.test("docs/files.md lists the files of saved models", async () => {
  const first = join(root, "saved"), copy = join(root, "saved-copy"), shards = join(root, "shards");
  await saveModel(onlyRun(dir), first);
  for (const name of ["special_tokens_map.json", "added_tokens.json", "chat_template.json"]) {
    Deno.writeTextFileSync(join(first, name), "{}");
  }
  for (const [name, content] of [["vocab.json", "{}"], ["merges.txt", ""], ["chat_template.jinja", ""]]) {
    Deno.writeTextFileSync(join(first, name!), content!);
  }
  await saveModel(first, copy);
  await saveModel(onlyRun(dir), shards, { maxShardBytes: 4096 });
  assertListed(pathsOf("Saved models"), [...listing(copy), ...listing(shards)]);
});

Deno.test("docs/files.md lists the files of experiments", async () => {
  const folder = join(root, "experiment");
  await runExperiment({
    ...{ name: "listed", title: "", claim: "", source: "", prediction: "" },
    sweeps: () => ({ only: { spec: { ...SPEC, policy: ["float32"], probeEvery: 0 } } }),
    conclude: () => ({ verdict: "reproduced", reason: "", directionHolds: true, tables: {} }),
  }, { dir: folder, print: () => {} });
  assertListed(pathsOf("Experiments"), listing(folder));
});

Deno.test("docs/files.md lists all events of a journal", () => {
  const source = Deno.readTextFileSync(join(ROOT, "lib", "record", "event_line.ts"));
  const events = [...source.matchAll(/event: v\.literal\("(\w+)"\)/g)].map(([, event]) => event!);
  const listed = [...PAGE.matchAll(/^\| `(\w+)` +\| /gm)].map(([, event]) => event!);
  assertEquals(listed.filter((event) => events.includes(event)).sort(), events.toSorted());
});
