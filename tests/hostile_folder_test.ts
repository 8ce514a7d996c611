/**
 * Folders with names and contents that contain terminal control sequences. No command prints their control or format
 * characters, or lines that they inject.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { runPaths } from "../lib/record/mod.ts";
import { runTask } from "./support/commands.ts";
import { editRun } from "./support/edit_record.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

/** Text that clears the screen, sets the title, reverses text, hides text, and starts a new line. */
const EVIL = "x\x1b[2J\x1b]0;t\x07\x9b2J\u202e\u2066\u200b\u2028\r\nFORGED identical";

const STEERING = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** Returns a JSON value with hostile strings, except for strings that must have a known form. */
function poison(value: unknown, name = ""): unknown {
  const kept =
    /^(format|runId|libSha256|sha256|event|time|gitCommit|gitDiffSha256|optimizer|schedule|activation)$/;
  if (typeof value === "string") return kept.test(name) ? value : EVIL;
  if (Array.isArray(value)) return value.map((one) => poison(one, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, poison(one, key)]));
}

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

/** Writes a folder of readable runs with hostile data, machine, failure and culprits, and one run without a manifest. */
function readable(): string {
  const dir = join(root, `readable-${EVIL}`);
  for (const seed of [1, 2]) {
    for (const policy of ["float32", "bf16-autocast"]) {
      const folder = writeSyntheticRun(dir, {
        losses: [3, 2, policy === "float32" ? 1 : 1.5],
        evals: [{ step: 3, loss: policy === "float32" ? 1 : 1.5 }],
        spec: { policy, seed },
        ...(seed === 2 && policy === "float32" ? { end: { fail: EVIL } } : {}),
      });
      editRun(folder, (manifest) => {
        const { data, environment, spec } = manifest;
        Object.assign(spec!, { data: EVIL });
        Object.assign(manifest, {
          data: { ...(poison(data) as object), path: EVIL },
          environment: poison(environment),
          emulated: EVIL,
        });
      });
    }
  }
  Deno.mkdirSync(join(dir, "runs", EVIL));
  Deno.writeTextFileSync(join(dir, "runs", EVIL, "journal.jsonl"), "");
  const part = { part: { layers: [EVIL], opClass: EVIL }, share: 1 };
  const culprit = { setting: EVIL, precision: EVIL, effect: EVIL, sentence: EVIL, search: { alone: [part] } };
  Deno.writeTextFileSync(
    join(dir, "compare.json"),
    JSON.stringify({ format: "losskit-compare/1", culprits: [culprit] }),
  );
  Deno.writeTextFileSync(join(dir, "export.json"), EVIL);
  return dir;
}

/** Copies the folder and replaces one file. */
function damaged(
  name: string,
  from: string,
  file: (dir: string, run: string) => string,
  text: string,
): string {
  const dir = join(root, `${name}-${EVIL}`);
  const copied = new Deno.Command("cp", { args: ["-R", from, dir] }).outputSync();
  assertEquals(copied.success, true);
  const run = [...Deno.readDirSync(join(dir, "runs"))].map(({ name }) => name).sort()[0]!;
  Deno.writeTextFileSync(file(dir, join(dir, "runs", run)), text);
  return dir;
}

Deno.test("no command prints control characters of a hostile folder", async () => {
  const good = readable();
  const run = join(
    good,
    "runs",
    [...Deno.readDirSync(join(good, "runs"))].map(({ name }) => name).sort()[0]!,
  );
  const other = join(
    good,
    "runs",
    [...Deno.readDirSync(join(good, "runs"))].map(({ name }) => name).sort()[1]!,
  );
  const manifest = (_: string, run: string) => runPaths(run).manifest;
  const broken = [
    damaged("not-json", good, manifest, `{"${EVIL}`),
    damaged("no-manifest", good, manifest, JSON.stringify({ format: EVIL, [EVIL]: EVIL })),
    damaged("journal", good, (_, run) => runPaths(run).journal, `{"event":"${EVIL}"}\n${EVIL}\n{}\n`),
    damaged("compare", good, (dir) => join(dir, "compare.json"), JSON.stringify({ format: EVIL })),
  ];
  const planned = damaged("plan", good, (dir) => join(dir, "plan.json"), JSON.stringify({ name: EVIL }));
  const spec = join(root, "spec.json"), odd = join(root, `${EVIL.replaceAll("/", "")}.json`);
  Deno.writeTextFileSync(spec, JSON.stringify({ name: EVIL, data: EVIL, [EVIL]: 1 }));
  Deno.writeTextFileSync(odd, EVIL);
  const notebook = join(root, `${EVIL}.ipynb`);
  Deno.writeTextFileSync(
    notebook,
    JSON.stringify({
      ...{ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { language: EVIL, name: EVIL } } },
      cells: [{
        cell_type: "code",
        id: "a",
        source: [`throw new Error(${JSON.stringify(EVIL)})`],
        outputs: [],
        metadata: {},
      }],
    }),
  );
  const commands: [task: string, args: string[]][] = [
    ["report", [good]],
    ["report", [good, planned, "--out", join(root, "both.html")]],
    ["compare", [good]],
    ["compare", [run, other, "--culprit", "none"]],
    ["export", [good, "--out", join(root, `out-${EVIL}`), "--format", "parquet,tensorboard"]],
    ["export", [good, "--format", EVIL]],
    ["merge", [join(root, `merged-${EVIL}`), good]],
    ["merge", [good, planned]],
    ["explain", [run]],
    ["explain", [join(good, "runs", EVIL)]],
    ["reproduce", [good]],
    ["reproduce", [run, "--present-code"]],
    ["evaluate", [run]],
    ["generate", [run]],
    ["save-gpt2", [run, join(root, "gpt2")]],
    ["verify-resume", [spec]],
    ["plan", [spec]],
    ["sweep", [spec]],
    ["sweep", ["--out", planned, "--steps", EVIL]],
    ["train", ["--data", EVIL]],
    ["experiment", [odd]],
    ["run", [planned, "--index", "0"]],
    ["cluster", ["slurm", spec, "--out", planned]],
    ["notebooks", [notebook]],
    ["plan", [odd]],
    ...broken.flatMap((dir): [string, string[]][] => [
      ["report", [dir]],
      ["compare", [dir]],
      ["export", [dir, "--out", join(root, "e")]],
      ["merge", [join(root, "m"), dir]],
    ]),
  ];
  const problems: string[] = [];
  const figures = await runTask("report", [good, "--figures", "svg"]);
  assertEquals(figures.code, 0, figures.stderr);
  const drawn = [...Deno.readDirSync(join(good, "figures"))].map(({ name }) => join(good, "figures", name));
  assert(drawn.length > 0);
  for (const [task, args] of commands) {
    const { stdout, stderr } = await runTask(task, args);
    const printed = `${stdout}\n${stderr}`;
    assert(printed.trim() !== "", task);
    const steering = STEERING.exec(printed), forged = /^FORGED.*/m.exec(printed);
    const stack = /^ {4}at .*/m.exec(printed);
    if (steering === null && forged === null && stack === null) continue;
    const at = Math.max(0, (steering ?? forged ?? stack)!.index - 120);
    problems.push(`${task} ${JSON.stringify(args)}: ${JSON.stringify(printed.slice(at, at + 260))}`);
  }
  // The page and the figures show these names without bidirectional characters.
  for (const path of [join(good, "report.html"), ...drawn]) {
    const text = Deno.readTextFileSync(path).replaceAll(/<script[^]*?<\/script>/g, "");
    assert(text.includes("\ufffd") || path.endsWith(".svg"), path);
    assertEquals(STEERING.exec(text)?.index, undefined, path);
  }
  assertEquals(problems, []);
});
