// @heavy
/** Quick forms show the predicted direction; committed results match their experiments. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { type Experiment, parseSweepSpec, readExperimentResult, specHashes } from "../lib/sweep/mod.ts";
import { expandSweep } from "../lib/sweep/expand.ts";
import { runTask } from "../tests/support/commands.ts";

const here = import.meta.dirname!;
const files = [...Deno.readDirSync(here)].map(({ name }) => name).filter((name) =>
  /^[a-z]_.*\.ts$/.test(name)
).sort();

Deno.test("experiments are lettered without gaps", () =>
  assertEquals(files.map((name) => name[0]).join(""), "abcdefghijk".slice(0, files.length)));

for (const file of files) {
  Deno.test(`${file} shows the predicted direction in its quick form`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const { code, stdout, stderr } = await runTask("experiment", [
        join(here, file),
        "--quick",
        "--out",
        dir,
      ]);
      assertEquals(code, 0, stderr);
      assertMatch(stdout, /The predicted direction holds\./);
      const result = readExperimentResult(join(dir, "result.json"));
      assertEquals([result.size, result.directionHolds], ["quick", true], result.reason);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });

  Deno.test(`the committed result of ${file} matches its full form and its text`, async () => {
    const experiment: Experiment = (await import(`./${file}`)).default;
    const result = readExperimentResult(join(here, "results", `${experiment.name}.json`));
    const { name, title, claim, source, prediction } = experiment;
    // The prediction must not change after the run.
    assertEquals(result.experiment, { name, title, claim, source, prediction });
    assertEquals(result.size, "full");
    const planned = Object.entries(experiment.sweeps("full")).flatMap(([sweep, { spec }]) =>
      expandSweep(parseSweepSpec({ name: sweep, ...spec }, sweep), {
        data: "shakespeare",
        threads: 1,
        vocabSize: () => 65,
      })
    );
    assertEquals([result.specs, result.runs], [specHashes(experiment, "full"), planned.length]);
    assert(["reproduced", "not reproduced", "not decidable at this scale"].includes(result.verdict));
    assert(Object.values(result.tables).every((rows) => rows.length > 0));
  });
}

Deno.test("experiment rejects files that are not experiments", async () => {
  for (const file of ["nowhere.ts", "deno.json", join(here, "_runs.ts")]) {
    const { code, stderr } = await runTask("experiment", [file]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /expected a \.ts file with an experiment as default export/);
  }
});
