// @heavy
/**
 * `deno task evaluate` and `deno task save-gpt2`: the losses of a run equal those in its journal, also by position and token.
 * The run saved as a GPT-2 of transformers has the same losses.
 */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { loadGpt2 } from "../lib/model/mod.ts";
import { effectiveEvents, readRuns, runFolder } from "../lib/record/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt"), out = join(root, "out");
await Deno.writeTextFile(text, sampleText());

const T = 16;
const trained = await runTask("train", [
  ...["--data", text, "--out", out, "--steps", "60", "--vocab", "300", "--amp", "on", "--save-best"],
  ...["--n-layer", "2", "--n-head", "2", "--n-embd", "32", "--seq", String(T), "--batch", "8"],
  ...["--eval-every", "20", "--eval-bytes", "400", "--lr", "1e-2"],
]);
assertEquals(trained.code, 0, trained.stderr);
const [recorded] = readRuns(out);
const run = runFolder(out, recorded!.manifest.runId);
const last = effectiveEvents(recorded!.events).evals.at(-1)!;

/** Runs a task and parses its output as JSON. */
async function evaluated(args: string[]) {
  const { code, stdout, stderr } = await runTask("evaluate", [...args, "--json"]);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Asserts that a task ends with status 2 and one message, without a stack trace. */
async function assertRefused(task: string, args: string[], message: string): Promise<void> {
  const { code, stdout, stderr } = await runTask(task, args);
  assertEquals([code, stdout], [2, ""], stderr);
  assertStringIncludes(stderr, message);
  assert(!stderr.includes("    at "), stderr);
}

Deno.test("evaluate returns the loss in the run's journal, and the losses by position and token", async () => {
  // By default, evaluate uses the batch size and the limits of the run, so that the results are equal bit for bit.
  const same = await evaluated([run]);
  assertEquals([same.loss, same.bitsPerByte, same.tokens], [last.loss, last.bitsPerByte, last.tokens]);
  assertStringIncludes(same.what, "the start of the validation split of ");
  for (const limit of [["--eval-tokens", "all"], ["--eval-bytes", "all"], ["--eval-tokens", "64"]]) {
    const { what, tokens } = await evaluated([run, ...limit]);
    const all = limit.includes("all");
    assert(all ? tokens > last.tokens : tokens === 64, `${tokens}`);
    assertEquals(what.startsWith("the start of "), !all, what);
  }
  // Other batch sizes change the order of sums. In bfloat16, each row is rounded separately.
  const whole = await evaluated([run, "--positions", "--batch", "5"]);
  assertEquals(whole.tokens, last.tokens);
  assertAlmostEquals(whole.loss, last.loss, 1e-4);
  assertAlmostEquals(whole.bitsPerByte, last.bitsPerByte, 1e-4);
  assertAlmostEquals(whole.perplexity, Math.exp(whole.loss), 1e-9);
  assertEquals(whole.positionLoss.length, T);
  assert(whole.positionLoss[0] > whole.positionLoss[T - 1], "context does not lower the loss");

  const single = await evaluated([run, "--text", "the cat sat on the mat", "--amp", "off"]);
  assertEquals(single.tokenLoss.length, single.tokens);
  const sum = single.tokenLoss.reduce((total: number, { loss }: { loss: number }) => total + loss, 0);
  assertAlmostEquals(sum / single.tokens, single.loss, 1e-6);
  const made = single.tokenLoss.map(({ token }: { token: string }) => token).join("");
  assert("the cat sat on the mat".endsWith(made) && made.length > 10, made);

  assertEquals(whole.quantized, undefined);
  const quantized = await evaluated([run, "--quantize", "mxfp4", "--quantize-activations"]);
  assertAlmostEquals(quantized.loss, whole.loss, 1e-4);
  assertEquals([quantized.quantized.format, quantized.quantized.activations], ["e2m1fn/mx", true]);
  assert(quantized.quantized.loss > quantized.loss, JSON.stringify(quantized.quantized));
  assertAlmostEquals(quantized.quantized.perplexity, Math.exp(quantized.quantized.loss), 1e-9);
  await assertRefused("evaluate", [run, "--quantize", "fp8"], "expected float32, bfloat16");
  await assertRefused("evaluate", [run, "--quantize", "e4m3fn/delayed"], "Use tensor");
  await assertRefused("evaluate", [run, "--quantize-activations"], "expected --quantize with a format");

  const file = join(root, "other.txt");
  await Deno.writeTextFile(file, "the cat sat on the mat");
  assertEquals((await evaluated([run, "--file", file, "--amp", "off"])).loss, single.loss);
  const told = await runTask("evaluate", [run, "--text", "the cat sat on the mat", "--amp", "off"]);
  assertStringIncludes(told.stdout, `loss ${single.loss.toFixed(4)} nats per token, perplexity`);
  assertEquals(told.stdout.trimEnd().split("\n").length, 1 + single.tokens);
});

Deno.test("save-gpt2 saves a run that evaluates and generates the same, in 32 and 16 bits", async () => {
  const folder = join(root, "gpt2"), half = join(root, "half");
  for (
    const [to, ...options] of [[folder], [half, "--dtype", "bfloat16", "--max-shard-bytes", "20000"]] as const
  ) {
    const { code, stdout, stderr } = await runTask("save-gpt2", [run, to, ...options]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, `${to}: nLayer 2, nHead 2, nEmbd 32, vocabSize 300, blockSize 16`);
  }
  assertEquals(
    Object.values((await loadGpt2(half)).parameters).map(({ dtype }) => dtype),
    Array(28).fill("BF16"),
  );
  const sentence = ["--text", "the old king ran from the river", "--amp", "off"];
  const own = await evaluated([run, ...sentence]);
  assertEquals(await evaluated([folder, ...sentence]), own);
  // Weights have 8 significant bits, so each product has a relative error of at most 2^-9.
  assertAlmostEquals((await evaluated([half, ...sentence])).loss, own.loss, 0.05);
  const speak = ["--prompt", "the cat", "--max-tokens", "30", "--seed", "5"];
  const spoken = await runTask("generate", [run, ...speak]);
  assertEquals(spoken.code, 0, spoken.stderr);
  assertEquals((await runTask("generate", [folder, ...speak])).stdout, spoken.stdout);
  const best = await runTask("save-gpt2", [run, join(root, "best"), "--weights", "best"]);
  assertEquals(best.code, 0, best.stderr);
});

Deno.test("evaluate and save-gpt2 report an invalid command line", async () => {
  const wrong: [task: string, args: string[], message: string][] = [
    ["evaluate", [root], "Cannot evaluate"],
    [
      "evaluate",
      [run, "--seq", "17"],
      "expected a sequence length from 1 to the model's context length 16, got 17",
    ],
    ["evaluate", [run, "--batch", "0"], "--batch: expected a whole number"],
    ["evaluate", [run, "--eval-tokens", "1.5"], "--eval-tokens: expected a whole number"],
    ["evaluate", [run, "--eval-bytes", "0"], "--eval-bytes: expected a whole number"],
    ["evaluate", [run, "--amp", "fast"], 'emulated:FORMAT, got "fast"'],
    ["evaluate", [run, "--amp", "off,on"], "Cannot use --amp: expected one name"],
    ["evaluate", [run, "--text", ""], "expected at least two tokens, got 0"],
    ["evaluate", [run, "--text", "a", "--file", text], "got both"],
    ["evaluate", [run, "--file", join(root, "none")], "No such file"],
    [
      "evaluate",
      [new URL("./fixtures/gpt2/whole", import.meta.url).pathname],
      "for 61 tokens, got neither",
    ],
    ["save-gpt2", [run], "missing required argument 'folder'"],
    ["save-gpt2", [run, join(root, "x"), "--dtype", "int8"], "Expected float32, bfloat16, float16."],
    [
      "save-gpt2",
      [run, join(root, "x"), "--max-shard-bytes", "0"],
      "--max-shard-bytes: expected a whole number",
    ],
    ["save-gpt2", [run, text], "Cannot save the model in"],
  ];
  for (const [task, args, message] of wrong) await assertRefused(task, args, message);
});
