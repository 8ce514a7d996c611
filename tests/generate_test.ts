// @heavy
/**
 * `deno task generate`: text of a run and of a GPT-2 of transformers, and invalid input.
 */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { generateTokens } from "../lib/model/generate.ts";
import {
  ARCHITECTURES,
  type GptConfig,
  initialParameters,
  saveGpt2,
  toParameters,
} from "../lib/model/mod.ts";
import { generateTexts } from "../lib/study/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import { loadTokenizer } from "../lib/text/mod.ts";
import { TOKENIZER_FILES } from "./support/tokenizer_files.ts";
import { runTask, sampleText } from "./support/commands.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

/** Runs a task and returns the printed text. */
async function generated(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runTask("generate", args);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** Asserts that a task ends with status 2 and one message, without a stack trace. */
async function assertRefused(args: string[], message: string): Promise<void> {
  const { code, stdout, stderr } = await runTask("generate", args);
  assertEquals([code, stdout], [2, ""], stderr);
  assertStringIncludes(stderr, message);
  assert(!stderr.includes("    at "), stderr);
}

/** Trains a small run, and returns its folder. */
async function smallRun(): Promise<string> {
  const text = join(root, "text.txt"), out = join(root, "run");
  await Deno.writeTextFile(text, sampleText());
  const sizes = ["--n-layer", "2", "--n-head", "2", "--n-embd", "32", "--seq", "32", "--batch", "8"];
  const how = ["--sampling", "shuffled", "--ema-decay", "0.9", "--optimizer", "sgd", "--lr", "0.5"];
  const { code, stderr } = await runTask("train", [
    ...["--data", text, "--out", out, "--steps", "150"],
    ...[...sizes, ...how],
  ]);
  assertEquals(code, 0, stderr);
  const [run] = [...Deno.readDirSync(join(out, "runs"))];
  return join(out, "runs", run!.name);
}

Deno.test("generate continues a prompt with a run's model, equally for equal seeds", async () => {
  const run = await smallRun();
  const args = [run, "--prompt", "the cat", "--max-tokens", "60"];
  const first = await generated([...args, "--seed", "3"]);
  assertEquals(first.length, "the cat".length + 60 + "\n".length);
  assert(first.startsWith("the cat"));
  assertEquals(await generated([...args, "--seed", "3"]), first);
  assertNotEquals(await generated([...args, "--seed", "4"]), first);
  const greedy = await generated([...args, "--temperature", "0"]);
  assertEquals(await generated([...args, "--top-k", "1", "--seed", "8"]), greedy);
  assertEquals(await generated([...args, "--top-p", "0.000001", "--seed", "8"]), greedy);

  await assertRefused([run, "--prompt", "café"], '"é" (U+00E9) at index 3');
  await assertRefused([run, "--prompt", ""], "expected a prompt of at least one token");
  await assertRefused([run, "--weights", "best"], "The run did not save its best weights");
  await assertRefused(
    [run, "--temperature", "-1"],
    "--temperature: expected a number from 0 to 1,000, got -1",
  );
  await assertRefused([run, "--max-tokens", "2.5"], "--max-tokens: expected a whole number");
  assert((await generated([run, "--max-tokens", "5"])).startsWith("\n"));
  await Deno.writeTextFile(join(root, "text.txt"), "another text");
  assertEquals(await generated([...args, "--seed", "3"]), first, "the run holds its own tokenizer");
});

Deno.test("generate has a default prompt for a vocabulary without a line break", async () => {
  const text = join(root, "line.txt"), out = join(root, "line");
  await Deno.writeTextFile(text, "abc abd abe ".repeat(50));
  const sizes = ["--n-layer", "1", "--n-head", "2", "--n-embd", "8", "--seq", "8", "--batch", "2"];
  const { code, stderr } = await runTask("train", [
    ...["--data", text, "--out", out, "--steps", "2", "--eval-tokens", "8"],
    ...sizes,
  ]);
  assertEquals(code, 0, stderr);
  const [run] = [...Deno.readDirSync(join(out, "runs"))];
  assertEquals((await generated([join(out, "runs", run!.name), "--max-tokens", "5"])).length, 1 + 5 + 1);
});

Deno.test("generate reads a GPT-2 in transformers' files with GPT-2's tokenizer", async () => {
  const folder = join(root, "gpt2");
  const config: GptConfig = { nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 50257, blockSize: 16, initStd: 0.3 };
  await saveGpt2(folder, { config, parameters: initialParameters(config, 1) });
  const text = await generated([folder, "--prompt", "Hello, wörld", "--max-tokens", "20", "--top-k", "50"]);
  assert(text.startsWith("Hello, wörld"));
  assert(text.length > "Hello, wörld\n".length + 10);
  await assertRefused(
    [new URL("./fixtures/gpt2/whole", import.meta.url).pathname],
    "for 61 tokens, got neither",
  );
});

Deno.test("generate continues several prompts as each alone, also those of a file", async () => {
  const [run] = [...Deno.readDirSync(join(root, "run", "runs"))].map(({ name }) =>
    join(root, "run", "runs", name)
  );
  const prompts = ["the cat", "a", "the dog and the "], file = join(root, "prompts.txt");
  const sampling = ["--max-tokens", "40", "--seed", "5"];
  const alone = [];
  for (const prompt of prompts) {
    alone.push((await generated([run!, "--prompt", prompt, ...sampling])).slice(0, -1));
  }
  await Deno.writeTextFile(file, `${prompts[1]}\r\n${prompts[2]}\n`);
  const args = [run!, "--prompt", prompts[0]!, "--prompts", file, ...sampling];
  assertEquals(await generated([...args, "--batch", "2"]), `${alone.join("\n\n")}\n`);
  assertEquals(JSON.parse(await generated([...args, "--json"])), alone);

  await Deno.writeTextFile(file, "a\ncaf\u00e9\n");
  await assertRefused([run!, "--prompts", file], `Cannot generate after line 2 of ${file}: `);
  await Deno.writeTextFile(file, "a\n\na\n");
  await assertRefused(
    [run!, "--prompts", file],
    `after line 2 of ${file}: expected a prompt of at least one token`,
  );
  await Deno.writeFile(file, new Uint8Array([0x61, 0xff, 0xfe]));
  await assertRefused([run!, "--prompts", file], `Cannot read the prompts of ${file}: it is not in UTF-8`);
  await assertRefused([run!, "--prompts", join(root, "none.txt")], "Cannot read the prompts of");
  await assertRefused([run!, "--batch", "0"], "--batch: expected a whole number");
});

Deno.test("generate of a Hugging Face folder ends before its end-of-text tokens, and keeps spaces after the prompt", async () => {
  const folder = join(root, "ends"), json = TOKENIZER_FILES["BPE"]!;
  const { tokenizer } = await loadTokenizer(json);
  const config: GptConfig = {
    ...ARCHITECTURES.llama,
    ...{ nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: tokenizer.vocabSize, blockSize: 64, initStd: 0.3 },
  };
  const model = { config, parameters: initialParameters(config, 1) };
  await saveGpt2(folder, model, { tokenizer });
  await Deno.remove(join(folder, "SHA256SUMS"));
  await useTensorFlow();
  const options = { maxNewTokens: 12, seed: 2 }, prompt = "a fox";
  const prompts = [tokenizer.encode(prompt)];
  const [made] = generateTokens(toParameters(model.parameters), config, { ...options, prompts });
  // The package's decoder removes the space at the start of a text, so the new tokens alone would miss theirs.
  const begin = tokenizer.decode(prompts[0]!);
  const textOf = (count: number) =>
    prompt + tokenizer.decode([...prompts[0]!, ...made!.subarray(0, count)]).slice(begin.length);
  const quiet = { ...options, note: () => {} };
  assertEquals(await generateTexts(folder, [prompt], quiet), [textOf(12)]);
  const at = made!.findIndex((id, i) => i > 2 && made!.indexOf(id) === i);
  const write = (name: string, eos_token_id: unknown) => {
    const path = join(folder, name), json = JSON.parse(Deno.readTextFileSync(path));
    Deno.writeTextFileSync(path, JSON.stringify({ ...json, eos_token_id }));
  };
  for (const eos of [made![at]!, [made![at]!, tokenizer.vocabSize - 1]]) {
    write("generation_config.json", eos);
    assertEquals(await generateTexts(folder, [prompt], quiet), [textOf(at)]);
  }
  assertEquals(await generateTexts(folder, [prompt], { ...quiet, ignoreEos: true }), [textOf(12)]);
  const args = [folder, "--prompt", prompt, "--max-tokens", "12", "--seed", "2"];
  assertEquals(await generated(args), `${textOf(at)}\n`);
  assertEquals(await generated([...args, "--ignore-eos"]), `${textOf(12)}\n`);
  write("config.json", made![at]); // the generation config precedes it
  write("generation_config.json", null);
  assertEquals(await generateTexts(folder, [prompt], quiet), [textOf(12)]);
  await Deno.remove(join(folder, "generation_config.json"));
  assertEquals(await generateTexts(folder, [prompt], quiet), [textOf(at)]);
  write("config.json", "end");
  await assertRefused(args, 'expected eos_token_id to be an id or a list of ids, got "end"');
});

Deno.test("generate reports an invalid command line", async () => {
  await assertRefused([join(root, "nothing")], "with config.json, got neither");
  await assertRefused([], "missing required argument 'model'");
  await assertRefused([root, "--seed", "x"], "--seed: expected a whole number");
  await assertRefused([root, "--weights", "first"], "Expected last or best");
});
