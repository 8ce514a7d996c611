// @heavy
/**
 * Links in place of files that a run writes. Commands do not follow them.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { basename, join } from "node:path";
import { runPaths } from "../lib/record/mod.ts";
import { readPlan } from "../lib/sweep/mod.ts";
import { resultDifferences } from "../lib/proof/mod.ts";
import { runTask } from "./support/commands.ts";
import { done, doneSpec, onlyRun, root } from "./support/tiny_sweep.ts";

const { folder: _folder, ...files } = runPaths(onlyRun(done));

for (const file of Object.values(files)) {
  const name = basename(file);
  Deno.test(`a link in place of ${name} is refused or replaced, and its target is unchanged`, async () => {
    const dir = join(root, `planted-${name}`), run = join(dir, "runs", basename(onlyRun(done)));
    const target = join(root, `target-${name}`), planted = join(run, name);
    Deno.mkdirSync(run, { recursive: true });
    // An empty journal is valid for readers, so only the writer can refuse it.
    const content = name === "journal.jsonl" ? "" : "precious\n";
    Deno.writeTextFileSync(target, content);
    Deno.symlinkSync(target, planted);
    const sweep = () => runTask("sweep", [doneSpec, "--out", dir, "--retries", "0"]);
    const { code, stderr } = await sweep();
    assertEquals(Deno.readTextFileSync(target), content);
    assert(!stderr.includes("    at "), stderr);
    if (code !== 0) {
      assertEquals(code, 3, stderr);
      assertMatch(stderr, /symbolic link|safetensors/);
      Deno.removeSync(planted);
      const again = await sweep();
      assertEquals(again.code, 0, again.stderr);
    }
    assert(
      ["claim.json", "best.safetensors", "note.json"].includes(name) || !Deno.lstatSync(planted).isSymlink,
    );
    assertEquals(Deno.readTextFileSync(target), content);
    assertEquals(resultDifferences(readPlan(done)!, { want: done, got: dir }), []);
  });
}
