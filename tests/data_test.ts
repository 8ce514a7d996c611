// @heavy
/**
 * Corpora, documents, tokenizers and batches as options of `train` and `sweep`.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { cacheDir } from "../lib/fetch/cache.ts";
import { effectiveEvents, readRuns } from "../lib/record/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
await Deno.mkdir(join(root, "texts", "more"), { recursive: true });
const lines = sampleText().split("\n");
await Deno.writeTextFile(join(root, "texts", "a.txt"), lines.slice(0, 150).join("\n"));
await Deno.writeTextFile(join(root, "texts", "b ü.txt"), lines.slice(150, 160).join("\n"));
await Deno.writeTextFile(join(root, "texts", "more", "c.txt"), lines.slice(160).join("\n"));
await Deno.writeTextFile(join(root, "texts", "empty.txt"), "");
await Deno.writeTextFile(join(root, "own.txt"), "one. two. three. ".repeat(200));

const MODEL = ["--n-layer", "1", "--n-head", "2", "--n-embd", "16", "--seq", "16", "--batch", "4"];
const SHORT = ["--steps", "6", "--eval-every", "3", "--eval-tokens", "all", "--checkpoint-every", "2"];

async function train(
  out: string,
  args: string[],
): Promise<{ code: number; stderr: string; run?: ReturnType<typeof readRuns>[number] }> {
  const { code, stderr } = await runTask("train", ["--out", join(root, out), ...MODEL, ...SHORT, ...args]);
  return { code, stderr, ...(code === 0 && { run: readRuns(join(root, out))[0]! }) };
}

Deno.test("train accepts files, folders and patterns with all kinds of documents and sampling, and reproduces the runs", async () => {
  const data = ["--data", join(root, "texts", "**", "*.txt"), "--data", join(root, "own.txt")];
  const options = [
    "--documents",
    "separate",
    "--separator",
    "\\n",
    "--sampling",
    "shuffled",
    "--vocab",
    "byte",
  ];
  const { code, stderr, run } = await train("separate", [...data, ...options]);
  assertEquals(code, 0, stderr);
  const { spec, data: source } = run!.manifest;
  assertEquals([spec.documents, spec.separator, spec.sampling, spec.tokenizer], [
    ...["separate", "\n", "shuffled", "byte"],
  ]);
  assertEquals(source.name, "*.txt+own.txt");
  assertEquals(source.path, [join(root, "texts", "**", "*.txt"), join(root, "own.txt")]);
  const { steps, evals } = effectiveEvents(run!.events);
  assertEquals(steps.length, 6);
  assert(evals.every(({ loss }) => Number.isFinite(loss)));
  const { code: reproduced, stdout } = await runTask("reproduce", [
    join(root, "separate", "runs", run!.manifest.runId),
  ]);
  assertEquals([reproduced, stdout.trim().split("\n").at(-1)], [0, "identical"]);
  // The repeated command reuses the finished run. A changed file is another text.
  assertEquals((await train("separate", [...data, ...options])).code, 0);
  await Deno.writeTextFile(join(root, "texts", "a.txt"), lines.slice(0, 149).join("\n"));
  const changed = await train("separate", [...data, ...options]);
  assertEquals(changed.code, 2);
  assertStringIncludes(changed.stderr, "has another SHA-256");
});

Deno.test("train reports invalid data and starts nothing", async () => {
  const cases: [string[], RegExp][] = [
    [["--data", join(root, "texts", "empty.txt")], /empty\.txt", which is empty/],
    [["--data", join(root, "*.md")], /matches no file as a pattern/],
    [
      ["--data", join(root, "none")],
      /does not exist\. Correct --data, or data in the spec\. The built-in text is shakespeare/,
    ],
    [["--data", join(root, "own.txt"), "--data", join(root, "own.txt")], / once/],
    [["--data", "markov:symbols=1"], /expected an integer from 2 to 64 for symbols/],
    [["--data", ""], /to name a corpus/],
    [["--data", join(root, "own.txt"), "--separator", "."], /expected documents separate with a separator/],
    [["--data", join(root, "own.txt"), "--documents", "some"], /to be one of join, separate, got "some"/],
    [
      ["--data", join(root, "own.txt"), "--sampling", "all"],
      /to be one of random, sequential, shuffled, got "all"/,
    ],
    [
      ["--data", join(root, "own.txt"), "--vocab", "gpt3"],
      /expected char, byte, gpt2, .*\(did you mean gpt2\?\)/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await train("refused", args);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, message);
    assert(!/ at file:/.test(stderr), "no stack");
  }
});

Deno.test("sweep over vocabularies learns byte pairs once, and smaller vocabularies are prefixes", async () => {
  const cache = join(root, "cache");
  await Deno.mkdir(cache);
  // Only the tokens use a separate cache. The runtime stays in the user's cache.
  for (const { name } of Deno.readDirSync(cacheDir())) {
    if (name !== "tokens") await Deno.symlink(join(cacheDir(), name), join(cache, name));
  }
  const spec = join(root, "spec.json");
  await Deno.writeTextFile(
    spec,
    JSON.stringify({
      ...{
        name: "nested",
        data: ["markov:length=20000,symbols=8", join(root, "own.txt")],
        seq: [16],
        tokensPerStep: 64,
      },
      ...{
        vocab: ["byte", "bpe:260", "bpe:300", "gpt2", "character"],
        policy: ["float32"],
        seeds: [1],
        steps: 2,
      },
      ...{
        nLayer: 1,
        nHead: 2,
        nEmbd: 16,
        warmupSteps: 0,
        evalEvery: 2,
        evalBytes: 256,
        sampling: "sequential",
      },
    }),
  );
  const { code, stderr } = await runTask("sweep", [spec, "--out", join(root, "nested")], {
    LOSSKIT_CACHE: cache,
  });
  assertEquals(code, 0, stderr);
  const runs = readRuns(join(root, "nested"));
  assertEquals(runs.map(({ manifest }) => manifest.spec.tokenizer).sort(), [
    ...["bpe:260", "bpe:300", "byte", "character", "gpt2"],
  ]);
  assertEquals(runs[0]!.manifest.data.path, [
    "markov:symbols=8,order=1,peak=3,length=20000,seed=1",
    join(root, "own.txt"),
  ]);
  const [text] = [...Deno.readDirSync(join(cache, "tokens"))];
  const folder = join(cache, "tokens", text!.name);
  const { merges } = JSON.parse(await Deno.readTextFile(join(folder, "merges.json")));
  assertEquals(merges.length, 44, "those of the largest vocabulary");
  const tokenizer = JSON.parse(await Deno.readTextFile(join(folder, "bpe-260", "tokenizer.json")));
  assertEquals(tokenizer.model.merges.length, 4);
});
