/**
 * Pipes in place of files, which would block a reader until someone writes: each is refused with one sentence.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { initialParameters, saveGpt2 } from "../lib/model/mod.ts";
import { staleness } from "../lib/notebook/freshness.ts";
import { createBpeTokenizer, loadFolderTokenizer } from "../lib/text/mod.ts";
import { readTextFile } from "../lib/study/_text_file.ts";
import { createTrainer, gpt, useTensorFlow } from "../lib/mod.ts";

const CONFIG = { nLayer: 1, nHead: 1, nEmbd: 2, blockSize: 4, vocabSize: 256 };

Deno.test("a pipe in place of a checkpoint, a tokenizer's file or a notebook's data is refused", async () => {
  const dir = await Deno.makeTempDir(), pipe = join(dir, "merges.txt");
  try {
    assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
    const told = `Cannot read ${pipe}: expected a regular file, got a device or pipe.`;
    await Deno.writeTextFile(
      join(dir, "vocab.json"),
      JSON.stringify(createBpeTokenizer([]).toJSON().model.vocab),
    );
    await assertRejects(() => loadFolderTokenizer(dir, { V: 256 }), UserError, told);
    const model = { config: CONFIG, parameters: initialParameters(CONFIG, 1) };
    await saveGpt2(join(dir, "model"), model);
    await Deno.copyFile(join(dir, "model", "config.json"), join(dir, "config.json"));
    await assertRejects(() => saveGpt2(join(dir, "copy"), model, { source: dir }), UserError, told);
    const metadata = { losskit: { reads: ["merges.txt"], sha256: { cells: "", lib: "", reads: "" } } };
    const notebook = { cells: [], metadata, nbformat: 4, nbformat_minor: 5 } as const;
    assertThrows(() => staleness({ ...notebook, cells: [] }, join(dir, "own.ipynb")), UserError, told);
    assertEquals(assertThrows(() => readTextFile(pipe, "evaluate"), UserError).message.indexOf(told), 0);
    await useTensorFlow();
    using trainer = createTrainer(gpt(CONFIG, { seed: 1 }));
    assertThrows(() => trainer.resume(pipe), UserError, told);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
