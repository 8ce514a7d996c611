/**
 * Damaged files in a sweep's folder other than runs: results of comparisons, lists of exports, claims, tokenizers, the token cache and
 * stamps; and the readers of all JSON and text. In `deno task soak` there are 10,000 of each.
 */
import { assert, assertEquals, equal } from "@std/assert";
import { join } from "node:path";
import { ensureFolder } from "../lib/fetch/cache.ts";
import { sha256Hex } from "../lib/record/mod.ts";
import { parseJson } from "../lib/file/json.ts";
import { sealJson } from "../lib/file/sealed_json.ts";
import { readText } from "../lib/file/text.ts";
import {
  JournalWriter,
  lastStep,
  readHolder,
  readJournal,
  readManifest,
  runPaths,
} from "../lib/record/mod.ts";
import { exists } from "../lib/file/exists.ts";
import { readNote, writeNote } from "../lib/record/note.ts";
import { initialParametersOf } from "../lib/run/initial_model.ts";
import { type Files, inputTokenizer, tokenizerContent, writeInput } from "../lib/run/inputs.ts";
import { loadCode } from "../lib/run/own_code.ts";
import { readRunTokenizer, writeRunTokenizer } from "../lib/run/run_tokenizer.ts";
import { exportRuns } from "../lib/study/mod.ts";
import { readCulprits } from "../lib/study/report_facts.ts";
import { withVariables } from "../lib/tensorflow/native/variables.ts";
import { corpusFromBytes, createRandom, prepareCorpus } from "../lib/text/mod.ts";
import { COUNT, fuzz, mutateText, seed } from "./support/fuzz.ts";
import { mutateBytes } from "./support/mutate.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const bytesOf = (text: string) => new TextEncoder().encode(text);
const PROSE = "Wem der große Wurf gelungen, eines Freundes Freund zu sein — naïve 漢字 🙂.\n".repeat(20);

Deno.test(`${COUNT} damaged JSON texts are refused, or read as JSON.parse reads them`, async () => {
  const random = createRandom(seed, "JSON");
  const text = JSON.stringify({
    a: [1, -0.5e-3, "é\n🙂", null, true],
    b: { c: {}, "": [[]] },
    long: "x".repeat(50),
  });
  const { refused, taken } = await fuzz("JSON", () => {
    const bytes = random.integer(3) === 0 ? mutateText(text, random) : mutateBytes(bytesOf(text), random);
    assertEquals(parseJson(bytes), JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  }, [SyntaxError, TypeError]);
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} damaged text files are refused, or read byte for byte`, async () => {
  const random = createRandom(seed, "text files"),
    path = join(root, "text.txt"),
    whole = bytesOf(PROSE.slice(0, 300));
  const { refused, taken } = await fuzz("text files", () => {
    const bytes = mutateBytes(whole, random);
    Deno.writeFileSync(path, bytes);
    const text = readText(path);
    assertEquals(bytesOf(text), bytes.subarray(0, 3).join() === "239,187,191" ? bytes.subarray(3) : bytes);
  }, [TypeError]);
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} damaged compare.json are refused, or show the culprits that were found`, async () => {
  const random = createRandom(seed, "compare.json"), dir = join(root, "compare");
  Deno.mkdirSync(dir);
  const culprit = {
    ...{
      setting: "character, T = 64",
      precision: "bf16",
      effect: "degrades",
      sentence: "softmax in h.1 is to blame.",
    },
    search: {
      alone: [{ part: { layers: ["h.1"], opClass: "softmax" }, share: 0.8 }],
      lowered: { parts: [] },
    },
  };
  const value = { format: "losskit-compare/1", groups: [{ setting: "a" }], culprits: [culprit] };
  for (const [isSealed, text] of [[true, sealJson(value, 1)], [false, JSON.stringify(value)]] as const) {
    const { refused, taken } = await fuzz("compare.json", () => {
      const bytes = mutateText(text, random);
      Deno.writeFileSync(join(dir, "compare.json"), bytes);
      const shown = readCulprits(dir);
      const json = JSON.parse(new TextDecoder().decode(bytes));
      for (const [i, { setting, sentence, search }] of shown.entries()) {
        assertEquals([setting, sentence], [json.culprits[i].setting, json.culprits[i].sentence]);
        assert(search.alone.every(({ share }) => typeof share === "number"));
      }
      if (isSealed && "checksum" in json) assertEquals(json.culprits, value.culprits);
    });
    assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
  }
});

Deno.test(`${COUNT} damaged export.json are refused, and nothing outside of the folder is replaced or removed`, async () => {
  const random = createRandom(seed, "export.json"), dir = join(root, "exported"), out = join(dir, "export");
  writeSyntheticRun(dir, { losses: [3, 2.5], evals: [{ step: 2, loss: 2 }] });
  exportRuns(dir);
  const path = join(out, "export.json"), text = Deno.readTextFileSync(path);
  const own = join(dir, "own.txt"), inside = join(out, "own.txt");
  for (const file of [own, inside]) Deno.writeTextFileSync(file, "mine");
  const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
  const { refused } = await fuzz("export.json", () => {
    Deno.writeFileSync(path, mutateText(text, random));
    exportRuns(dir);
    for (const file of [own, inside]) assertEquals(Deno.readTextFileSync(file), "mine");
    assertEquals([...Deno.readDirSync(out)].map(({ name }) => name).sort(), names);
  });
  assert(refused > COUNT / 2);
});

Deno.test(`${COUNT} damaged claims have no owner, or the owner that they name`, async () => {
  const random = createRandom(seed, "claims"), path = join(root, "claim.json");
  const holder = { host: "node-7", pid: 4711, token: crypto.randomUUID(), beat: 3, generation: 2 };
  let owners = 0;
  await fuzz("claims", () => {
    const bytes = mutateText(JSON.stringify(holder), random);
    Deno.writeFileSync(path, bytes);
    const found = readHolder(path);
    if (found === undefined) return;
    owners++;
    const { host, pid, token, beat, generation = 1 } = JSON.parse(new TextDecoder().decode(bytes));
    assertEquals(found, { host, pid, token, beat, generation });
    assert(Number.isSafeInteger(pid) && Number.isSafeInteger(beat) && generation >= 1);
  });
  assert(owners > 0 && owners < COUNT);
});

Deno.test(`${COUNT} damaged ends of a journal give a step that it has, or none`, async () => {
  const random = createRandom(seed, "tails");
  const run = writeSyntheticRun(join(root, "tail"), {
    losses: Array.from({ length: 30 }, (_, i) => 4 - i / 10),
  });
  const { journal: path } = runPaths(run), whole = Deno.readFileSync(path);
  const steps = readJournal(path).events.filter(({ event }) => event === "step");
  let found = 0;
  await fuzz("tails", () => {
    Deno.writeFileSync(path, mutateBytes(whole, random));
    const step = lastStep(path);
    if (step === undefined) return;
    found++;
    assert(steps.some((known) => equal(known, step)));
  });
  assert(found > 0);
  using writer = new JournalWriter(path, 0); // an empty journal
  writer.sync();
  assertEquals(lastStep(path), undefined);
});

Deno.test(`${COUNT} damaged tokenizers of a run are refused`, async () => {
  const random = createRandom(seed, "run's tokenizer"),
    run = writeSyntheticRun(join(root, "own"), { losses: [1] });
  const corpus = corpusFromBytes(bytesOf(PROSE), { name: "own" });
  const { tokenizer } = await prepareCorpus(corpus, { tokenizer: "bpe:300" });
  const paths = runPaths(run);
  const manifest = {
    ...readManifest(paths.manifest),
    tokenizerSha256: writeRunTokenizer(paths.tokenizer, tokenizer),
  };
  const whole = Deno.readFileSync(paths.tokenizer);
  const { refused } = await fuzz("run's tokenizer", async () => {
    Deno.writeFileSync(paths.tokenizer, mutateBytes(whole, random));
    assertEquals((await readRunTokenizer(run, manifest))!.toJSON(), tokenizer.toJSON());
  });
  assert(refused > COUNT / 2);
});

Deno.test(`${COUNT} damaged notes are refused, or have the text and tags that were written`, async () => {
  const random = createRandom(seed, "notes"), path = join(root, "note.json");
  const note = { text: "loss spike at 300: naïve 🙂", tags: ["bad", "lr-3e-3"] };
  writeNote(path, note);
  const whole = Deno.readFileSync(path);
  const { refused } = await fuzz("notes", () => {
    Deno.writeFileSync(path, mutateBytes(whole, random));
    assertEquals(readNote(path), note);
  });
  assert(refused > COUNT / 2);
});

/** Writes an input with the given file, and returns its name. */
function placeInput(dir: string, sha256: string, files: Record<string, string | Uint8Array>): `x@${string}` {
  const name = `x@${sha256.slice(0, 12)}` as const;
  const place = join(dir, "inputs", sha256.slice(0, 12));
  if (exists(place)) Deno.removeSync(place, { recursive: true });
  writeInput(place, files as Files);
  return name;
}

Deno.test(`${COUNT} inputs of a sweep that fit their hash are refused, or hold a tokenizer and a model`, async () => {
  const random = createRandom(seed, "inputs"), dir = join(root, "inputs-of-sweep");
  const corpus = corpusFromBytes(bytesOf(PROSE), { name: "own" });
  const { tokenizer } = await prepareCorpus(corpus, { tokenizer: "bpe:270" });
  const own = tokenizerContent(tokenizer);
  const config = { nLayer: 1, nHead: 1, nEmbd: 8, blockSize: 8, vocabSize: 270 };
  const { refused, taken } = await fuzz("inputs", async (i) => {
    if (i % 2 === 0) {
      const bytes = mutateText(own, random);
      const name = placeInput(dir, sha256Hex(bytes), { "tokenizer.json": bytes });
      const found = await inputTokenizer(name, [dir]);
      assert(found.vocabSize >= 1 && found.decode(found.encode("a")) !== undefined);
    } else {
      const bytes = mutateText(
        JSON.stringify({ config, tokenizer: `t@${sha256Hex(own).slice(0, 12)}` }),
        random,
      );
      const weights = new Uint8Array(8);
      const sha256 = sha256Hex(`${new TextDecoder().decode(bytes)}${sha256Hex(weights)}\n`);
      const name = placeInput(dir, sha256, { "model.json": bytes, "model.safetensors": weights });
      placeInput(dir, sha256Hex(own), { "tokenizer.json": own });
      initialParametersOf({ initFrom: name, seed: 1, perturb: 0, reorder: 0 }, {
        model: config as never,
        dir,
      });
    }
  });
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} lists of a user's module that fit their hash are refused, or name the files that they list`, async () => {
  const random = createRandom(seed, "modules"), dir = join(root, "modules-of-sweep");
  const code = "export default () => 1;\n";
  const list = JSON.stringify({ entry: "a.ts", files: [["a.ts", sha256Hex(code)]] });
  const { refused, taken } = await withVariables(
    { LOSSKIT_CACHE: join(root, "cache-of-code") },
    () =>
      fuzz("modules", async (i) => {
        const bytes = i % 40 === 0 ? bytesOf(list) : mutateText(list, random);
        const name = placeInput(dir, sha256Hex(bytes), { "a.ts": code, "losskit.module.json": bytes });
        await loadCode(
          { architecture: "gpt2", loss: "crossEntropy", optimizer: "adamw", schedule: name },
          { dir, runRecordedCode: true },
        );
      }),
  );
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT / 10} damaged files of the token cache give the same tokens`, async () => {
  const random = createRandom(seed, "cache"), cache = { root: join(root, "cache"), version: "1" };
  const corpus = corpusFromBytes(bytesOf(PROSE), { name: "own" });
  const tokens = async () => {
    using prepared = await prepareCorpus(corpus, { tokenizer: "bpe:280", cache });
    return Array.from(prepared.train.subarray(0, prepared.train.length));
  };
  const want = await tokens();
  const files = () => filesBelow(cache.root);
  assert(files().length >= 5);
  await fuzz("token cache", async (i) => {
    if (i % 10 > 0) return; // a tokenizer is trained again for many of them
    const path = files()[random.integer(files().length)]!, whole = Deno.readFileSync(path);
    Deno.writeFileSync(path, mutateBytes(whole, random));
    assertEquals(await tokens(), want, path);
  });
});

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(join(folder, name)) : [join(folder, name)]
  );
}

Deno.test(`${COUNT} damaged stamps of the user's cache never vouch for another file`, async () => {
  const random = createRandom(seed, "stamps"), path = join(root, "fetched");
  const content = "fetched", sha256 = sha256Hex(content);
  let built = 0;
  const ensure = () =>
    ensureFolder({
      path,
      files: { "a.txt": { sha256, bytes: content.length } },
      build: async (into) => {
        built++;
        await Deno.writeTextFile(join(into, "a.txt"), content);
      },
      warn: () => {},
    });
  await ensure();
  const stamp = join(path, "stamp.json"), text = Deno.readTextFileSync(stamp);
  await fuzz("stamps", async (i) => {
    if (i % 2 === 0) Deno.writeTextFileSync(join(path, "a.txt"), "changed");
    Deno.writeFileSync(stamp, mutateText(text, random));
    await ensure();
    assertEquals(Deno.readTextFileSync(join(path, "a.txt")), content);
  });
  assert(built > COUNT / 3);
});
