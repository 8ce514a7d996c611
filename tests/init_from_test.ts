// @heavy
/**
 * Runs that start from a trained model (`initFrom`), and tokenizer files: results, identity, resume, and contradictions.
 */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { exists } from "../lib/file/exists.ts";
import { decodeSafetensors, encodeSafetensors } from "../lib/model/mod.ts";
import { reproduceRun } from "../lib/proof/mod.ts";
import { effectiveEvents, readRun, readRuns, type RecordedRun } from "../lib/record/mod.ts";
import { loadDataset, loadModel } from "../lib/run/mod.ts";
import { mergeSweeps } from "../lib/sweep/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import { createTrainer } from "../lib/train/mod.ts";
import {
  evaluateModel,
  generateText,
  recordRun,
  type RunSpecInput,
  saveModel,
  sweep,
  type SweepSpecInput,
  verifyResume,
} from "../lib/study/mod.ts";
import { loadTokenizerFile } from "../lib/text/folder_tokenizer.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { TOKENIZER_FILES } from "./support/tokenizer_files.ts";

const root = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const data = join(root, "text.txt");
await Deno.writeTextFile(data, sampleText());

const SIZES = { nLayer: 1, nHead: 2, nEmbd: 16, T: 16, B: 4, steps: 6, warmupSteps: 0, evalBytes: 512 };
const quiet = { print: () => {}, progress: { write: () => {} } };

/** Trains a run, and returns its folder. */
async function trained(name: string, fields: RunSpecInput): Promise<string> {
  const dir = join(root, name);
  const { exitCode, plan } = await recordRun({ data, ...fields }, { dir, threads: 1, ...quiet });
  assertEquals(exitCode, 0);
  return join(dir, "runs", plan.runs[0]!.id);
}

const llama = await trained("llama", { ...SIZES, architecture: "llama", nKvHead: 1 });
const gpt2 = await trained("gpt2", { ...SIZES, tokenizer: "bpe:260" });
const folder = join(root, "hugging");
await saveModel(llama, folder);

const evalsOf = (run: RecordedRun) => effectiveEvents(run.events).evals.map(({ loss }) => loss);
const TUNED = { B: 4, steps: 5, warmupSteps: 0, evalBytes: 512 } as const;

Deno.test("initFrom starts from the weights of a run or folder, with its options, tokenizer and a fresh optimizer", async () => {
  const last = evalsOf(readRun(llama)).at(-1)!;
  const fromRun = readRun(await trained("from-run", { ...TUNED, T: 16, initFrom: llama }));
  const fromFolder = readRun(await trained("from-folder", { ...TUNED, T: 16, initFrom: folder }));
  for (const run of [fromRun, fromFolder]) {
    assertEquals(evalsOf(run)[0], last, "the evaluation before the first step");
    const { architecture, norm, nKvHead, tiedHead, tokenizer } = run.manifest.spec;
    assertEquals([architecture, norm, nKvHead, tiedHead], ["llama", "rmsNorm", 1, false]);
    assertMatch(tokenizer, /^[A-Za-z0-9._-]+@[0-9a-f]{12}$/);
  }
  assertEquals(evalsOf(fromFolder), evalsOf(fromRun));
  // The library trains the same from the same weights.
  await useTensorFlow({ threads: 1 });
  using dataset = await loadDataset(data, { tokenizer: join(folder, "tokenizer.json") });
  using model = await loadModel(folder);
  using trainer = createTrainer(model, { steps: 5, warmupSteps: 0, seed: 1 });
  for (const batch of dataset.batches({ batchSize: 4, blockSize: 16, steps: 5, seed: 1 })) {
    trainer.step(batch);
  }
  assertEquals(
    trainer.evaluate(dataset, { batchSize: 4, blockSize: 16, maxBytes: 512 }).loss,
    evalsOf(fromRun).at(-1),
  );
  // A run of a run can be evaluated and saved without its inputs.
  const again = join(root, "from-run", "runs", fromRun.manifest.runId);
  await Deno.rename(join(root, "from-run", "inputs"), join(root, "from-run", "away"));
  const { loss } = await evaluateModel(again, { text: "the cat sat on the mat" });
  assert(loss > 0);
  await Deno.rename(join(root, "from-run", "away"), join(root, "from-run", "inputs"));
});

Deno.test("a shorter context uses the first rows of the position table", async () => {
  const run = await trained("shorter", { ...TUNED, steps: 1, T: 8, initFrom: gpt2 });
  const { tensors } = decodeSafetensors(Deno.readFileSync(join(run, "checkpoint.safetensors")), "x");
  assertEquals(tensors["wpe.weight"]!.shape, [8, 16]);
  const { loss } = await evaluateModel(gpt2, { blockSize: 8, batchSize: 4, file: data });
  const own = await evaluateModel(run, { blockSize: 8, batchSize: 4, file: data });
  assert(Math.abs(own.loss - loss) < 0.1, `${own.loss} after a step, ${loss} before`);
  assertNotEquals(own.loss, loss);
});

Deno.test("the ID of a run depends on the weights of its initial model, and not on its place", async () => {
  const idFrom = async (model: string, name: string) =>
    readRun(await trained(name, { ...TUNED, steps: 1, T: 16, initFrom: model })).manifest.runId;
  const moved = join(root, "moved", "hugging");
  await Deno.mkdir(join(root, "moved"));
  await saveModel(folder, moved);
  const [here, there] = [await idFrom(folder, "id-here"), await idFrom(moved, "id-there")];
  assertEquals(there, here);
  const weights = join(moved, "model.safetensors");
  const { tensors } = decodeSafetensors(Deno.readFileSync(weights), weights);
  tensors["lm_head.weight"]!.values[0]! += 2 ** -10;
  await Deno.writeFile(weights, encodeSafetensors({ tensors, metadata: { format: "pt" } }));
  await assertRejects(() => idFrom(moved, "id-there"), UserError, "got another plan: run 1 has initFrom");
  assertNotEquals(await idFrom(moved, "id-changed"), here);
});

Deno.test("a sweep over initFrom resumes after kills, reproduces without the original files, and merges", async () => {
  const original = join(root, "original");
  await saveModel(folder, original);
  const spec: SweepSpecInput = {
    data,
    seq: [8],
    tokensPerStep: 32,
    vocab: [join(original, "tokenizer.json")],
    policy: ["float32", "bf16-autocast"],
    seeds: [1],
    axes: { initFrom: ["none", original] },
    ...{ nLayer: 1, nHead: 2, nKvHead: 1, nEmbd: 16, architecture: "llama", padVocab: 0, optimizer: "muon" },
    ...{ steps: 30, warmupSteps: 0, evalEvery: 10, evalBytes: 256, checkpointEvery: 4, probeEvery: 7 },
  };
  const { problems, resumed } = await verifyResume(spec, { kills: 3, workers: 1, print: () => {} });
  assertEquals([problems, resumed > 0], [[], true]);
  const dir = join(root, "sweep"), merged = join(root, "merged");
  const runs = await sweep({ ...spec, steps: 4 }, { dir, workers: 1, ...quiet });
  assertEquals(runs.length, 4);
  assertEquals(new Set(runs.map(({ manifest }) => manifest.spec.tokenizer)).size, 1);
  await Deno.remove(original, { recursive: true });
  await mergeSweeps(merged, [dir]);
  assertEquals(readRuns(merged).length, 4);
  const tuned = runs.find(({ manifest }) => manifest.spec.initFrom !== "none")!.manifest.runId;
  const { answer } = await reproduceRun(join(merged, "runs", tuned), { print: () => {} });
  assertEquals(answer, "identical");
  const input = join(
    merged,
    "inputs",
    [...Deno.readDirSync(join(merged, "inputs"))].find(({ name }) =>
      exists(join(merged, "inputs", name, "model.safetensors"))
    )!.name,
    "model.safetensors",
  );
  const bytes = Deno.readFileSync(input);
  bytes[bytes.length - 3]! ^= 1;
  await Deno.writeFile(input, bytes);
  const damaged = await reproduceRun(join(merged, "runs", tuned), { print: () => {} });
  assertMatch((damaged as { reason: string }).reason, /expected content with the SHA-256/);
});

for (const [kind, file] of Object.entries(TOKENIZER_FILES)) {
  Deno.test(`a ${kind} tokenizer.json of Hugging Face's library trains a model that evaluates and generates`, async () => {
    const path = join(root, `${kind}.json`);
    await Deno.writeTextFile(path, JSON.stringify(file));
    const { tokenizer } = await loadTokenizerFile(path);
    const run = await trained(`by-${kind}`, { ...SIZES, tokenizer: path });
    const { manifest: { spec }, status } = readRun(run);
    assertEquals([status, (await loadModel(run)).config.vocabSize], ["finished", tokenizer.vocabSize]);
    assertMatch(spec.tokenizer, new RegExp(`^${kind}@[0-9a-f]{12}$`));
    await Deno.remove(path); // the run has its own copy
    const { loss } = await evaluateModel(run);
    assert(loss > 0 && loss < 2 * Math.log(tokenizer.vocabSize), `${loss}`);
    const sampling = { prompt: "the fox", maxNewTokens: 5, seed: 1, note: () => {} };
    const text = await generateText(run, sampling);
    assert(text.length > 0);
    const saved = join(root, `by-${kind}-saved`);
    await saveModel(run, saved);
    assertEquals(await generateText(saved, sampling), text);
  });
}

Deno.test("runs from a folder with split_special_tokens read special tokens in text as ordinary text", async () => {
  const end = "<|endoftext|>",
    text = `a${end}b`,
    split = join(root, "split"),
    saved = join(root, "split-saved");
  const base = await trained("split-base", { ...SIZES, tokenizer: "bpe:260" });
  await saveModel(base, split);
  await Deno.remove(join(split, "SHA256SUMS"));
  const path = join(split, "tokenizer.json"), json = JSON.parse(await Deno.readTextFile(path));
  const token = { id: 259, content: end, special: true, normalized: false };
  json.model.merges.pop(); // its token makes room
  json.model.vocab = Object.fromEntries(
    Object.entries<number>(json.model.vocab).filter(([, id]) => id !== 259),
  );
  await Deno.writeTextFile(path, JSON.stringify({ ...json, added_tokens: [token] }));
  const settings = join(split, "tokenizer_config.json");
  const idsOf = async (name: string, folder: string) => {
    await saveModel(await trained(name, { ...TUNED, steps: 1, T: 16, initFrom: folder }), saved, {
      overwrite: true,
    });
    const { tokenizer } = await loadTokenizerFile(join(saved, "tokenizer.json"));
    using dataset = await loadDataset(data, { tokenizer: path });
    assertEquals(tokenizer.encode(text), dataset.tokenizer.encode(text));
    return Array.from(tokenizer.encode(text));
  };
  await Deno.writeTextFile(settings, "{}");
  assertEquals(await idsOf("special", split), [97, 259, 98]);
  await Deno.writeTextFile(settings, '{"split_special_tokens":true}');
  const ordinary = (await loadTokenizerFile(path)).tokenizer.encode(text);
  assert(!ordinary.includes(259));
  assertEquals(await idsOf("ordinary", split), Array.from(ordinary));
  assertEquals(await idsOf("ordinary-again", saved), Array.from(ordinary));
});

Deno.test("train --resume finds the inputs in its folder", async () => {
  const original = join(root, "gone"), dir = join(root, "resumed");
  await saveModel(folder, original);
  const args = ["--data", data, "--init-from", original, "--seq", "16", "--batch", "4", "--steps", "3"];
  const first = await runTask("train", [...args, "--out", dir]);
  assertEquals(first.code, 0, first.stderr);
  await Deno.remove(original, { recursive: true });
  const again = await runTask("train", ["--resume", "--out", dir]);
  assertEquals(again.code, 0, again.stderr);
  const gone = await runTask("train", [...args, "--out", join(root, "never")]);
  assertEquals([gone.code, exists(join(root, "never"))], [2, false]);
  assertMatch(gone.stderr, /^Cannot initialize a run from .*: expected a run's folder/);
});

Deno.test("contradictions with an initial model are one sentence each, and start nothing", async () => {
  const config = JSON.parse(await Deno.readTextFile(join(folder, "config.json")));
  /** Copies the Hugging Face folder with changes. */
  const changed = async (name: string, { json = {}, tokenizer }: { json?: object; tokenizer?: string }) => {
    const copy = join(root, name);
    await saveModel(folder, copy);
    await Deno.remove(join(copy, "SHA256SUMS"));
    await Deno.writeTextFile(join(copy, "config.json"), JSON.stringify({ ...config, ...json }));
    if (tokenizer !== undefined) await Deno.writeTextFile(join(copy, "tokenizer.json"), tokenizer);
    return copy;
  };
  const rope = { rope_type: "yarn", factor: 2 };
  const large = await Deno.readTextFile(join(gpt2, "tokenizer.json"));
  const cases: [RunSpecInput, RegExp][] = [
    [{ initFrom: folder, nLayer: 2 }, /: expected nLayer 1, as the model has, got 2\. Omit nLayer\.$/],
    [{ initFrom: folder, norm: "layerNorm" }, /: expected norm rmsNorm, as the model has, got layerNorm\./],
    [{ initFrom: folder, padVocab: 64 }, /: expected padVocab \d+, as the model has, got 64\./],
    [{ initFrom: folder, T: 32 }, /: expected T of at most 16 \(the model's context length\), got 32\./],
    [{ initFrom: folder, tokenizer: "byte" }, /: expected the model's tokenizer \(\d+ tokens\), got byte\./],
    [{ initFrom: join(root, "nothing") }, /: expected a run's folder/],
    [{ initFrom: await changed("yarn", { json: { rope_parameters: rope } }) }, /rope scaling yarn/],
    [
      { initFrom: await changed("deeper", { json: { num_hidden_layers: 2 } }) },
      /layers\.1\.self_attn\.q_proj\.weight is missing/,
    ],
    [
      { initFrom: await changed("wider", { json: { intermediate_size: 64 } }) },
      /layers\.0\.mlp\.gate_proj\.weight is \[48,16\], expected \[64,16\]/,
    ],
    [
      { initFrom: await changed("tokens", { tokenizer: large }) },
      /tokenizer .*: expected at most \d+ tokens/,
    ],
    [{ tokenizer: join(root, "none.json") }, /Cannot read the tokenizer .*: expected a tokenizer\.json/],
    [{ tokenizer: join(folder, "config.json") }, /Cannot read .*config\.json: /],
    [{ padVocab: 3 }, /Cannot pad the vocabulary: expected padVocab to be 0 or at least the \d+ tokens/],
  ];
  const dir = join(root, "refused");
  for (const [fields, message] of cases) {
    const error = await assertRejects(
      () => recordRun({ data, B: 4, T: 16, steps: 2, ...fields }, { dir, threads: 1, ...quiet }),
      UserError,
    );
    assertMatch(error.message, message);
    assert(!exists(dir), JSON.stringify(fields));
  }
});

Deno.test("padVocab adds unused rows to the vocabulary", async () => {
  const run = await trained("padded", { ...SIZES, padVocab: 64 });
  const { tensors } = decodeSafetensors(Deno.readFileSync(join(run, "checkpoint.safetensors")), "x");
  assertEquals(tensors["wte.weight"]!.shape, [64, 16]);
  const tuned = readRun(await trained("padded-on", { ...TUNED, T: 16, initFrom: run }));
  assertEquals([tuned.manifest.spec.padVocab, evalsOf(tuned)[0]], [64, evalsOf(readRun(run)).at(-1)]);
});
