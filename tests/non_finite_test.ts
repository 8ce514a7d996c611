/**
 * Planted overflows in runs that `compare` trains: the run's journal, `compare`, the report and `explain --non-finite` name
 * the op that made the first NaN or infinite number.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { describeNonFinite, readRuns, recordedNonFinite, runFolder, runPaths } from "../lib/record/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";
import { editRecord } from "./support/edit_record.ts";

Deno.test("journal, compare, report and explain name the first non-finite number of a diverged run", async () => {
  const root = await Deno.makeTempDir();
  try {
    const text = join(root, "text.txt"), spec = join(root, "spec.json"), dir = join(root, "runs");
    await Deno.writeTextFile(text, sampleText());
    const overrides = [{ layers: ["h.1"], opClasses: ["linear"], format: "e2m3" }];
    await Deno.writeTextFile(
      spec,
      JSON.stringify({
        ...{ name: "overflow", data: text, policy: ["float32", "bf16-autocast"], seeds: [1], seq: [16] },
        ...{ vocab: ["character"], tokensPerStep: 64, nLayer: 2, nHead: 2, nEmbd: 16, steps: 4, initStd: 1 },
        ...{ warmupSteps: 0, evalEvery: 4, evalTokens: 64, checkpointEvery: 2 },
        when: [{ if: { policy: "bf16-autocast" }, set: { overrides } }],
      }),
    );
    const compared = await runTask("compare", [spec, "--out", dir, "--culprit", "none"]);
    assertEquals(compared.code, 0, compared.stderr);
    const run = readRuns(dir).find(({ manifest }) => manifest.spec.policy !== "float32")!;
    const found = recordedNonFinite(run);
    assertEquals([found?.layer, found?.opClass, found?.op], ["h.1", "linear", "rounding to e2m3"]);
    const { largest, min, max } = { ...found!.inputs[0]!, largest: found!.output.largest };
    assertEquals(largest, 3.75);
    assert(Math.max(max, -min) > 3.75);
    const sentence = describeNonFinite(found!);
    assertMatch(
      sentence,
      /^First non-finite number: .*, h\.1, linear: rounding to e2m3 of finite inputs gives/,
    );
    assertStringIncludes(compared.stdout, sentence);
    assertStringIncludes(await Deno.readTextFile(join(dir, "report.html")), sentence);

    const folder = runFolder(dir, run.manifest.runId), { journal } = runPaths(folder);
    const recorded = await runTask("explain", [folder, "--non-finite"]);
    assertEquals([recorded.code, recorded.stdout, recorded.stderr], [0, `${sentence}\n`, ""]);
    // A journal of version 0.1 lacks the event: the replay finds the same number.
    const whole = editRecord(journal, (text) => text.replace(/^\{"event":"nonFinite".*\n/m, ""));
    assertEquals((await Deno.readTextFile(journal)).split("\n").length, whole.split("\n").length - 1);
    const replayed = await runTask("explain", [folder, "--non-finite"]);
    assertEquals([replayed.code, replayed.stdout], [0, `${sentence}\n`], replayed.stderr);

    const baseline = readRuns(dir).find(({ manifest }) => manifest.spec.policy === "float32")!;
    const sound = await runTask("explain", [runFolder(dir, baseline.manifest.runId), "--non-finite"]);
    assertMatch(sound.stdout, /^All losses and gradients of run [0-9a-f]{12} are finite\.\n$/);
    const missing = await runTask("explain", [join(root, "none"), "--non-finite"]);
    assertEquals(missing.code, 2);
    assertMatch(missing.stderr, /^Cannot /);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
