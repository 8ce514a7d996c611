import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { basename, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { RUN_OPTIONS } from "../record/mod.ts";
import { createMarkovSource } from "../text/mod.ts";
import { describeEntropy, loadCorpus, prepareForRun } from "./corpus.ts";
import { findText } from "./find_text.ts";

/** Runs `work` in a temporary folder with two texts. */
async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const before = { cwd: Deno.cwd(), cache: Deno.env.get("LOSSKIT_CACHE") };
  try {
    await Deno.writeTextFile(join(folder, "a.txt"), "one text. ".repeat(30));
    await Deno.writeTextFile(join(folder, "b.txt"), "another. ".repeat(30));
    Deno.chdir(folder);
    await use(folder);
  } finally {
    Deno.chdir(before.cwd);
    if (before.cache === undefined) Deno.env.delete("LOSSKIT_CACHE");
    else Deno.env.set("LOSSKIT_CACHE", before.cache);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadCorpus() records its source, from which another folder loads the same text", async () => {
  await inFolder(async (folder) => {
    const cases: [string | string[], string, unknown][] = [
      ["a.txt", "a.txt", join(folder, "a.txt")],
      [["a.txt"], "a.txt", join(folder, "a.txt")],
      [".", basename(folder), folder],
      ["*.txt", "*.txt", join(folder, "*.txt")],
      [["b.txt", "a.txt"], "b.txt+a.txt", [join(folder, "b.txt"), join(folder, "a.txt")]],
      ["markov:length=100", "markov:symbols=16,order=1,peak=3,length=100,seed=1", undefined],
    ];
    const sums = new Set<string>();
    for (const [data, name, path] of cases) {
      Deno.chdir(folder);
      const { corpus, source } = await loadCorpus(data);
      assertEquals([corpus.name, source.name, source.path, source.sha256], [name, name, path, corpus.sha256]);
      sums.add(corpus.sha256);
      Deno.chdir("/");
      assertEquals((await findText(source)).corpus.sha256, corpus.sha256);
    }
    assertEquals(sums.size, 4, "a.txt twice; the folder and the pattern have the same files");
    const { source } = await loadCorpus(join(folder, "a.txt"));
    await Deno.writeTextFile(join(folder, "a.txt"), "changed");
    await assertRejects(
      () => findText(source),
      UserError,
      `as recorded, got ${(await loadCorpus(join(folder, "a.txt"))).corpus.sha256}`,
    );
  });
});

Deno.test("loadCorpus() refuses duplicate texts", async () => {
  await inFolder(async (folder) => {
    for (
      const data of [["a.txt", "a.txt"], ["a.txt", join(folder, "a.txt")], ["*.txt", "./b.txt"], [
        "markov",
        "markov",
      ]]
    ) {
      await assertRejects(() => loadCorpus(data), UserError, " once");
    }
    await Deno.copyFile(join(folder, "a.txt"), join(folder, "copy.md"));
    for (const data of [["a.txt", "copy.md"], ["a.txt", "b.txt", "copy.md"]]) {
      const told = 'got "copy.md" with the content of "a.txt"';
      await assertRejects(() => loadCorpus(data), UserError, told);
    }
    await Deno.remove(join(folder, "copy.md"));
    for (const link of [Deno.symlinkSync, Deno.linkSync]) {
      link(join(folder, "a.txt"), join(folder, "link.txt"));
      for (const data of [["a.txt", "link.txt"], ["link.txt", "markov", folder], "."]) {
        await assertRejects(() => loadCorpus(data), UserError, "one is a link to the other");
      }
      assertEquals((await loadCorpus("link.txt")).source.name, "link.txt");
      Deno.removeSync(join(folder, "link.txt"));
    }
  });
});

Deno.test("describeEntropy() reports the entropy rate of Markov texts only", async () => {
  const { source } = await loadCorpus("markov:length=100,symbols=4");
  const { entropyRate } = createMarkovSource({ symbols: 4, order: 1, peak: 3, seed: 1 });
  assertAlmostEquals(source.entropyRate!, entropyRate, 1e-15);
  assert(describeEntropy(source)!.includes(`${entropyRate.toFixed(4)} nats per character`));
  assertEquals(describeEntropy({ name: "a", sha256: "" }), undefined);
});

Deno.test("prepareForRun() keeps tokens in memory if the cache is read-only", async () => {
  await inFolder(async (folder) => {
    Deno.env.set("LOSSKIT_CACHE", join(folder, "a.txt"));
    const { corpus } = await loadCorpus("b.txt");
    using prepared = await prepareForRun(corpus, { ...RUN_OPTIONS, tokenizer: "byte" });
    assertEquals(prepared.train.length + prepared.validation.length, 270);
    Deno.env.set("LOSSKIT_CACHE", join(folder, "cache"));
    using kept = await prepareForRun(corpus, { ...RUN_OPTIONS, tokenizer: "byte" });
    assertEquals(kept.train.length, prepared.train.length);
    assertEquals([...Deno.readDirSync(join(folder, "cache", "tokens"))].length, 1);
  });
});
