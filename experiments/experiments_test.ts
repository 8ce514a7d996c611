// @heavy
/** Each experiment's quick form shows the direction that was predicted; each committed result is of the experiment. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import type { Experiment, ExperimentResult } from "../lib/sweep/mod.ts";
import { runTask } from "../tests/support/commands.ts";

const here = import.meta.dirname!;
const files = [...Deno.readDirSync(here)].map(({ name }) => name).filter((name) =>
  /^[a-z]_.*\.ts$/.test(name)
).sort();

Deno.test("there are five experiments", () =>
  assertEquals(files.map((name) => name[0]), ["a", "b", "c", "d", "e"]));

for (const file of files) {
  Deno.test(`${file} shows its direction in its quick form`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const { code, stdout, stderr } = await runTask("experiment", [
        join(here, file),
        "--quick",
        "--out",
        dir,
      ]);
      assertEquals(code, 0, stderr);
      assertMatch(stdout, /what it is held to is seen\./);
      const result: ExperimentResult = JSON.parse(await Deno.readTextFile(join(dir, "result.json")));
      assertEquals([result.size, result.directionHolds], ["quick", true], result.reason);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });

  Deno.test(`the committed result of ${file} is of its full form and its words`, async () => {
    const experiment: Experiment = (await import(`./${file}`)).default;
    const result: ExperimentResult = JSON.parse(
      await Deno.readTextFile(join(here, "results", `${experiment.name}.json`)),
    );
    const { name, title, claim, source, prediction } = experiment;
    // A prediction that was changed after the run would be no prediction.
    assertEquals(result.experiment, { name, title, claim, source, prediction });
    assertEquals(result.size, "full");
    assert(["reproduced", "not reproduced", "not decidable at this scale"].includes(result.verdict));
    assert(Object.values(result.tables).every((rows) => rows.length > 0));
  });
}

Deno.test("experiment refuses what is none, and says what it wants", async () => {
  for (const file of ["nowhere.ts", "deno.json", join(here, "_runs.ts")]) {
    const { code, stderr } = await runTask("experiment", [file]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /wanted a \.ts file whose default export is one/);
  }
});
