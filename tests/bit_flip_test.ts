// @heavy
/**
 * Bit flips in every file of a sweep, a comparison, an export and the token cache. Readers refuse the file, report the damage,
 * rebuild the file, or read the original content. `deno task soak` tests 50 times as many flips.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { readJsonFile } from "../lib/file/json.ts";
import { unsealJson } from "../lib/file/sealed_json.ts";
import { decodeSafetensors } from "../lib/model/mod.ts";
import { readJournal, readManifest, runPaths } from "../lib/record/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { readRunTokenizer } from "../lib/run/run_tokenizer.ts";
import { corpusFromBytes, createRandom, joinCorpora, prepareCorpus } from "../lib/text/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { soaking } from "./support/soak.ts";
import { copy, done, onlyRun, root } from "./support/tiny_sweep.ts";

const FLIPS = soaking ? 5000 : 100;
const random = createRandom(Date.now() % 1e9, "flips");

/** Reads a file after each of several flips. Each read must return the original content or fail. */
function flip(path: string, read: () => unknown): { refused: number; same: number } {
  const whole = Deno.readFileSync(path), want = read();
  let refused = 0, same = 0;
  for (let i = 0; i < FLIPS; i++) {
    const bytes = whole.slice(), at = random.integer(bytes.length), bit = random.integer(8);
    bytes[at]! ^= 1 << bit;
    Deno.writeFileSync(path, bytes);
    try {
      assertEquals(read(), want, `${path}: bit ${bit} of byte ${at}`);
      same++;
    } catch (error) {
      if (!(error instanceof UserError || error instanceof SyntaxError || error instanceof TypeError)) {
        throw error;
      }
      refused++;
    }
  }
  Deno.writeFileSync(path, whole);
  return { refused, same };
}

Deno.test("a flipped bit in a file of a run or a sweep is detected, or changes nothing", async () => {
  const dir = copy(done, join(root, "flipped")), run = onlyRun(dir), paths = runPaths(run);
  const manifest = readManifest(paths.manifest);
  const exported = await runTask("export", [dir, "--format", "arrow"]);
  assertEquals(exported.code, 0, exported.stderr);
  const contents = join(dir, "export", "export.json");
  const readers: Record<string, () => unknown> = {
    [paths.journal]: () => {
      const { events, dropped } = readJournal(paths.journal);
      if (dropped !== undefined) throw new UserError("readers print a warning, and a sweep resumes the run");
      return events;
    },
    [paths.manifest]: () => readManifest(paths.manifest),
    [paths.checkpoint]: () => decodeSafetensors(Deno.readFileSync(paths.checkpoint), paths.checkpoint),
    [paths.tokenizer]: () => readRunTokenizer(run, manifest)?.toJSON(),
    [join(dir, "plan.json")]: () => readPlan(dir),
    [contents]: () => (unsealJson(readJsonFile(contents)) as { files: unknown }).files,
  };
  for (const [path, read] of Object.entries(readers)) {
    const { refused } = flip(path, read);
    assertGreater(refused, FLIPS / 2, path); // white space is all that may change
  }
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
