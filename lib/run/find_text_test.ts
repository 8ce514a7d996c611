import { assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { loadCorpus } from "./corpus.ts";
import { findText, planFolder } from "./find_text.ts";

/** Runs `work` with a folder for texts and one for a plan. */
async function inFolders(work: (texts: string, dir: string) => Promise<void>): Promise<void> {
  const texts = await Deno.makeTempDir(), dir = await Deno.makeTempDir();
  try {
    await work(texts, dir);
  } finally {
    for (const folder of [texts, dir]) await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findText() prefers the recorded path, then the folder of plan.json, then --data", async () => {
  await inFolders(async (texts, dir) => {
    const recorded = join(texts, "a.txt"), beside = join(dir, "a.txt"), named = join(texts, "moved.txt");
    await Deno.writeTextFile(recorded, "the text");
    const { source } = await loadCorpus(recorded);
    await Deno.copyFile(recorded, beside);
    assertEquals((await findText(source, { dir })).source, source);
    await Deno.writeTextFile(recorded, "another text");
    assertEquals((await findText(source, { dir })).source, { ...source, path: beside });
    await Deno.remove(recorded);
    const found = await findText(source, { dir });
    assertEquals([found.source.path, found.corpus.sha256], [beside, source.sha256]);
    await Deno.rename(beside, named);
    assertEquals((await findText(source, { dir, data: named })).source, { ...source, path: named });
    await assertRejects(() => findText(source, { dir }), UserError, "Cannot read the corpus");
    await assertRejects(() => findText(source), UserError, "Cannot read the corpus");
  });
});

Deno.test("findText() refuses another text from every place, with a remedy", async () => {
  await inFolders(async (texts, dir) => {
    const path = join(texts, "a.txt");
    await Deno.writeTextFile(path, "the text");
    const { source } = await loadCorpus(path);
    await Deno.writeTextFile(path, "another text");
    await Deno.copyFile(path, join(dir, "a.txt"));
    for (const places of [{}, { dir }, { dir, data: join(dir, "a.txt") }]) {
      await assertRejects(
        () => findText(source, places),
        UserError,
        `expected the text with SHA-256 ${source.sha256}`,
      );
    }
  });
});

Deno.test("findText() finds several files, a folder and a pattern that were moved to the folder of plan.json", async () => {
  await inFolders(async (texts, dir) => {
    await Deno.mkdir(join(texts, "in"));
    for (const name of ["a.txt", "b.txt"]) await Deno.writeTextFile(join(texts, "in", name), `text ${name}`);
    const cases = [
      [[join(texts, "in", "b.txt"), join(texts, "in", "a.txt")], [join(dir, "b.txt"), join(dir, "a.txt")]],
      [join(texts, "in"), join(dir, "in")],
      [join(texts, "in", "*.txt"), join(dir, "*.txt")],
    ] as const;
    const sources = await Promise.all(cases.map(async ([data]) => (await loadCorpus(data)).source));
    await Deno.rename(join(texts, "in"), join(dir, "in"));
    for (const { name } of Deno.readDirSync(join(dir, "in"))) {
      await Deno.copyFile(join(dir, "in", name), join(dir, name));
    }
    for (const [i, [, want]] of cases.entries()) {
      assertEquals((await findText(sources[i]!, { dir })).source.path, want as string);
    }
  });
});

Deno.test("findText() loads a built-in text without a path", async () => {
  const { source } = await loadCorpus("markov:length=100,symbols=4");
  assertEquals((await findText(source, { dir: "/nowhere" })).source, source);
});

Deno.test("planFolder() returns the grandparent of the run's folder", () => {
  assertEquals(planFolder(join(dirname("/x/y"), "out", "runs", "0123456789ab")), "/x/out");
});
