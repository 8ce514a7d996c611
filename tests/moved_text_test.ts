// @heavy
/**
 * Finished runs without their text. The folder contains the tokenizer, and all commands search for the text in the same places.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { readManifest, readRuns, runFolder, runPaths, sha256Hex } from "../lib/record/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt"), moved = join(root, "elsewhere.txt"), out = join(root, "out");
await Deno.writeTextFile(text, sampleText(200));

const SIZES = ["--n-layer", "1", "--n-head", "2", "--n-embd", "8", "--seq", "16", "--batch", "4"];
const trained = await runTask("train", [
  ...["--data", text, "--out", out, "--steps", "4", "--vocab", "300", "--eval-tokens", "64", ...SIZES],
]);
assertEquals(trained.code, 0, trained.stderr);
const run = runFolder(out, readRuns(out)[0]!.manifest.runId);
const paths = runPaths(run), manifest = readManifest(paths.manifest);
await Deno.rename(text, moved);

/** Runs a task that must succeed, and returns its output. */
async function printed(task: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runTask(task, args);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** Asserts that a task ends with status 2 and a message without a stack trace. */
async function assertRefused(task: string, args: string[], message: string): Promise<void> {
  const { code, stderr } = await runTask(task, args);
  assertEquals(code, 2, stderr);
  assertStringIncludes(stderr, message);
  assert(!stderr.includes("    at "), stderr);
}

/** Runs `work` with a copy of the sweep's folder. */
async function withCopy(work: (dir: string, run: string) => Promise<void>): Promise<void> {
  const dir = join(root, "copy");
  await Deno.mkdir(join(dir, "runs"), { recursive: true });
  await Deno.copyFile(join(out, "plan.json"), join(dir, "plan.json"));
  const copy = runFolder(dir, manifest.runId);
  await Deno.mkdir(copy);
  for (const { name } of Deno.readDirSync(run)) await Deno.copyFile(join(run, name), join(copy, name));
  await work(dir, copy);
  await Deno.remove(dir, { recursive: true });
}

Deno.test("a run's folder contains its tokenizer, and the manifest its SHA-256", async () => {
  assertEquals(sha256Hex(await Deno.readFile(paths.tokenizer)), manifest.tokenizerSha256);
  const json = JSON.parse(await Deno.readTextFile(paths.tokenizer));
  assertEquals(Object.keys(json.model.vocab).length, 300);
});

Deno.test("generate, evaluate --text and save-gpt2 work without the text; evaluation on the validation split requires it", async () => {
  assert((await printed("generate", [run, "--prompt", "the", "--max-tokens", "3"])).startsWith("the"));
  assertStringIncludes(await printed("evaluate", [run, "--text", "the cat"]), "the text: loss");
  await printed("save-gpt2", [run, join(root, "hf")]);
  assertEquals(
    JSON.parse(await Deno.readTextFile(join(root, "hf", "tokenizer.json"))),
    JSON.parse(await Deno.readTextFile(paths.tokenizer)),
  );
  await assertRefused("evaluate", [run], "Cannot read the corpus");
  const named = await printed("evaluate", [run, "--data", moved]);
  await withCopy(async (dir, copy) => {
    await Deno.copyFile(moved, join(dir, "text.txt"));
    assertEquals(await printed("evaluate", [copy]), named);
    const resumed = await printed("train", ["--out", dir, "--resume"]);
    assertStringIncludes(resumed, "report:");
    assertStringIncludes(await printed("explain", [copy]), "data: the same (text.txt");
  });
  await assertRefused("evaluate", [run, "--data", join(run, "log.txt")], "expected the text with SHA-256");
});

Deno.test("merge copies the tokenizer, and reproduce finds a moved text", async () => {
  const into = join(root, "merged");
  await printed("merge", [out, "--out", into]);
  const copy = runFolder(into, manifest.runId);
  assertEquals(await Deno.readFile(runPaths(copy).tokenizer), await Deno.readFile(paths.tokenizer));
  await printed("generate", [copy, "--max-tokens", "2"]);
  assertEquals((await printed("reproduce", [copy, "--data", moved])).trim().split("\n").at(-1), "identical");
});

Deno.test("a damaged tokenizer is an error; a missing one is learned again from the text", async () => {
  await withCopy(async (dir, copy) => {
    const { tokenizer, manifest: path } = runPaths(copy);
    const whole = await Deno.readFile(tokenizer);
    whole[whole.length >> 1]! ^= 1;
    await Deno.writeFile(tokenizer, whole);
    for (
      const [task, ...args] of [["generate"], ["evaluate", "--text", "the"], ["evaluate", "--data", moved]]
    ) {
      await assertRefused(
        task!,
        [copy, ...args],
        `expected the file with SHA-256 ${manifest.tokenizerSha256}`,
      );
    }
    const merged = await runTask("merge", [dir, "--out", join(root, "damaged")]);
    assertEquals(merged.code, 3);
    assertStringIncludes(merged.stdout, "damaged: run");

    await Deno.remove(tokenizer);
    const generate = [copy, "--prompt", "the", "--max-tokens", "3"];
    await assertRefused("generate", generate, "Cannot read the corpus");
    const want = await printed("generate", [run, ...generate.slice(1)]);
    assertEquals(await printed("generate", [...generate, "--data", moved]), want);

    const { tokenizerSha256: _, ...old } = manifest;
    await Deno.writeTextFile(path, JSON.stringify(old));
    await assertRefused("generate", generate, "Cannot read the corpus");
    await Deno.copyFile(moved, join(dir, "text.txt"));
    assertEquals(await printed("generate", generate), want);
    await Deno.writeTextFile(path, JSON.stringify({ ...manifest, tokenizerSha256: "0".repeat(64) }));
    await assertRefused("generate", generate, "Use the version of losskit that trained the run");
  });
});
