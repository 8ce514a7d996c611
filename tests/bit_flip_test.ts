// @heavy
/**
 * Bit flips in every file of a sweep, a comparison, an experiment, an export, a saved model and the token cache. Readers
 * refuse the file, report the damage, rebuild the file, or read the original content. `deno task soak` tests 50 times as
 * many flips.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { basename, join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { readJsonFile } from "../lib/file/json.ts";
import { sealJson, unsealJson } from "../lib/file/sealed_json.ts";
import { readJson } from "../lib/model/gpt2_files.ts";
import { decodeSafetensors, loadGpt2 } from "../lib/model/mod.ts";
import { readJournal, readManifest, readStepColumns, runPaths, stepTablePath } from "../lib/record/mod.ts";
import { readNote, writeNote } from "../lib/record/note.ts";
import { checkExport } from "../lib/study/mod.ts";
import { readCulprits } from "../lib/study/report_facts.ts";
import { readExperimentResult, readPlan } from "../lib/sweep/mod.ts";
import { loadFolderTokenizer } from "../lib/text/folder_tokenizer.ts";
import { readRunTokenizer } from "../lib/run/run_tokenizer.ts";
import { corpusFromBytes, createRandom, joinCorpora, prepareCorpus } from "../lib/text/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { soaking } from "./support/soak.ts";
import { copy, onlyRun, root, specOf } from "./support/tiny_sweep.ts";

const FLIPS = soaking ? 5000 : 100;
const random = createRandom(Date.now() % 1e9, "flips");

/** Files of at most this size are flipped at every byte. */
const SMALL = 600;

/**
 * Flips bits of a file, one at a time: one of every byte of a small file, random ones of others. Each read must
 * return the original content or fail.
 *
 * @returns Fraction of the flips that the reader refused.
 */
async function flip(path: string, read: () => unknown, count = FLIPS): Promise<number> {
  const whole = Deno.readFileSync(path), want = await read();
  const places = whole.length <= SMALL
    ? Array.from(whole.keys())
    : Array.from({ length: count }, () => random.integer(whole.length));
  let refused = 0;
  for (const at of places) {
    const bit = random.integer(8);
    Deno.writeFileSync(path, whole.map((byte, i) => i === at ? byte ^ (1 << bit) : byte));
    try {
      assertEquals(await read(), want, `${path}: bit ${bit} of byte ${at}`);
    } catch (error) {
      if (!(error instanceof UserError || error instanceof SyntaxError || error instanceof TypeError)) {
        throw error;
      }
      refused++;
    }
  }
  Deno.writeFileSync(path, whole);
  return refused / places.length;
}

/** A finished sweep of one pair, which keeps its best checkpoints. */
const sweep = join(root, "pair");
const made = await runTask("sweep", [
  await specOf("pair", { policy: ["float32", "bf16-autocast"], steps: 4, evalEvery: 2, saveBest: true }),
  ...["--out", sweep],
]);
assertEquals(made.code, 0, made.stderr);

Deno.test("a flipped bit in a file of a run or a sweep is detected, or changes nothing", async () => {
  const dir = copy(sweep, join(root, "flipped")), run = onlyRun(dir), paths = runPaths(run);
  const manifest = readManifest(paths.manifest), json = join(dir, "brief.json");
  const compared = await runTask("compare", [dir, "--culprit", "none", "--json", json]);
  assertEquals(compared.code, 0, compared.stderr);
  const result = join(dir, "result.json"),
    recorded = join(import.meta.dirname!, "..", "experiments", "results");
  Deno.writeTextFileSync(result, sealJson(readJsonFile(join(recorded, "a_pure_bf16.json")) as object, 1));
  const checkpoint = (path: string) => () => decodeSafetensors(Deno.readFileSync(path), path);
  writeNote(paths.note, { text: "first try", tags: ["baseline"] });
  const readers: Record<string, () => unknown> = {
    [paths.note]: () => readNote(paths.note),
    [paths.journal]: () => {
      const { events, dropped } = readJournal(paths.journal);
      if (dropped !== undefined) throw new UserError("readers print a warning, and a sweep resumes the run");
      return events;
    },
    [paths.manifest]: () => readManifest(paths.manifest),
    [paths.checkpoint]: checkpoint(paths.checkpoint),
    [paths.best]: checkpoint(paths.best),
    [paths.tokenizer]: async () => (await readRunTokenizer(run, manifest))?.toJSON(),
    [join(dir, "plan.json")]: () => readPlan(dir),
    [join(dir, "compare.json")]: () => readCulprits(dir),
    // If the name of the field "checksum" is damaged, the content is not.
    [json]: () => (unsealJson(readJsonFile(json)) as { comparisons: unknown }).comparisons,
    [result]: () => readExperimentResult(result).tables,
  };
  for (const [path, read] of Object.entries(readers)) {
    assertGreater(await flip(path, read), 0.5, path); // white space is all that may change
  }
  // The table is replaced, and its steps are read from the journals.
  const steps = () => readStepColumns(dir, { note: () => {} });
  assertEquals(await flip(stepTablePath(dir), steps, FLIPS / 4), 0);
});

Deno.test("a flipped bit in any exported file is found by export --check", async () => {
  const out = join(root, "exported");
  const exported = await runTask("export", [sweep, "--out", out, "--format", "parquet,arrow,tensorboard"]);
  assertEquals(exported.code, 0, exported.stderr);
  const files = filesBelow(out);
  assertEquals(files.length, 3 + 3 + 2 + 1);
  const check = async () => {
    const { damaged } = await checkExport(out);
    if (damaged.length > 0) throw new UserError(damaged[0]!.path);
  };
  for (const path of files) {
    const refused = await flip(path, check, FLIPS / 4);
    if (path.endsWith("export.json")) assertGreater(refused, 0.5);
    else assertEquals(refused, 1, path);
  }
});

Deno.test("a flipped bit in any file of a saved model is detected, or changes nothing", async () => {
  const folder = join(root, "gpt2");
  const saved = await runTask("save-gpt2", [onlyRun(sweep), folder]);
  assertEquals(saved.code, 0, saved.stderr);
  const { config: { vocabSize: V } } = await loadGpt2(folder);
  // A note on standard error detects a file that reads well: users may edit these files.
  const noted = async <R>(work: () => Promise<R>): Promise<R> => {
    const notes: string[] = [], { error } = console;
    console.error = (line: string) => void notes.push(line);
    try {
      const result = await work();
      if (notes.length > 0) throw new UserError(notes[0]!);
      return result;
    } finally {
      console.error = error;
    }
  };
  const read = () =>
    noted(async () => [
      await loadGpt2(folder),
      (await loadFolderTokenizer(folder, { V })).tokenizer.toJSON(),
      await readJson(join(folder, "generation_config.json")),
    ]);
  const files = filesBelow(folder);
  assertEquals(files.map((path) => basename(path)).sort(), [
    ...["SHA256SUMS", "config.json", "generation_config.json", "model.safetensors"],
    ...["tokenizer.json", "tokenizer_config.json"],
  ]);
  for (const path of files) {
    const refused = await flip(path, read, FLIPS / 4);
    if (!/SUMS|safetensors$/.test(path)) assertEquals(refused, 1, path);
  }
  const { success, stderr } = new Deno.Command("sha256sum", {
    args: ["--check", "--quiet", "SHA256SUMS"],
    cwd: folder,
  })
    .outputSync();
  assert(success, new TextDecoder().decode(stderr));
});

Deno.test("a flipped bit in a file of the token cache gives the same tokens", async () => {
  const cache = { root: join(root, "cache"), version: "1" };
  const texts = [sampleText(60), sampleText(30)];
  const corpus = joinCorpora(
    texts.map((text) => corpusFromBytes(new TextEncoder().encode(text), { name: "own" })),
    { name: "own" },
  );
  const prepare = async (tokenizer: "bpe:280" | "bpe:270") => {
    using prepared = await prepareCorpus(corpus, { tokenizer, cache });
    return [prepared.train, prepared.validation].map((part) => [
      Array.from(part.subarray(0, part.length)),
      Array.from(part.documentStarts ?? []),
      prepared.tokenizer.toJSON(),
    ]);
  };
  const want = await prepare("bpe:280"), smaller = await prepare("bpe:270");
  const files = filesBelow(cache.root);
  assertGreater(files.length, 8);
  for (const path of files) {
    for (let i = 0; i < FLIPS / 20; i++) {
      const bytes = Deno.readFileSync(path), at = random.integer(bytes.length), bit = random.integer(8);
      bytes[at]! ^= 1 << bit;
      Deno.writeFileSync(path, bytes);
      // The tokens of another vocabulary are derived from the same merges.
      if (path.endsWith("merges.json")) Deno.removeSync(join(path, "..", "bpe-270"), { recursive: true });
      const context = `${path}: bit ${bit} of byte ${at}`;
      assertEquals(await prepare("bpe:270"), smaller, context);
      assertEquals(await prepare("bpe:280"), want, context);
    }
  }
});

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory ? filesBelow(path) : [path];
  });
}
