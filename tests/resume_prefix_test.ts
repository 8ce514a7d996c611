// @heavy
/**
 * A run resumed from any prefix of its journal with any of its checkpoints has the results of an uninterrupted run. Such states
 * occur after torn writes, power cuts and partly restored backups. `deno task soak` tests every case.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { readJournal, runFolder, runPaths } from "../lib/record/mod.ts";
import { executeRun } from "../lib/run/mod.ts";
import { makePlan, parseSweepSpec } from "../lib/sweep/mod.ts";
import { resultDifferences } from "../lib/proof/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import { sampleText } from "./support/commands.ts";
import { soaking } from "./support/soak.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());

/** Number of cases per spec without soak. */
const SAMPLE = 20;

const TINY = {
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], tokensPerStep: 16, policy: ["float32"] },
  ...{ nLayer: 1, nHead: 1, nEmbd: 8, warmupSteps: 0, dropout: 0.1, seeds: [1], execution: "eager" },
  ...{ evalTokens: 32, evalEvery: 2, checkpointEvery: 3, lr: 0.01 },
};

const SPECS: Record<string, Record<string, unknown>> = {
  "the last step has a checkpoint and an evaluation": { steps: 6, saveBest: true, emaDecay: 0.9 },
  "the last step is no multiple of anything": { steps: 7 },
  "patience ends it early": { steps: 60, saveBest: true, lr: 3, patience: 2 },
};

type Bytes = Uint8Array<ArrayBuffer> | undefined;

for (const [name, more] of Object.entries(SPECS)) {
  Deno.test(`a run resumed from any journal prefix and checkpoint has the same result: ${name}`, async () => {
    const plan = await makePlan(parseSweepSpec({ ...TINY, ...more }, "the test"), 1);
    const { id, spec } = plan.runs[0]!;
    const execute = (dir: string) =>
      executeRun({ spec, data: plan.data, libSha256: plan.libSha256 }, {
        folder: runFolder(dir, id),
        print: () => {},
      });
    const want = join(root, name, "want"), undisturbed = runPaths(runFolder(want, id));
    const kept = await withEveryCheckpoint(undisturbed, () => execute(want));
    const lines = Deno.readTextFileSync(undisturbed.journal).split(/(?<=\n)/);
    if (name.includes("early")) assert(lines.at(-1)!.includes("stoppedEarly"), lines.at(-1));

    const cases = lines.flatMap((_, at) =>
      kept.checkpoint.flatMap((checkpoint) =>
        kept.best.flatMap((best) => [0, 0.5].map((torn) => ({ at, checkpoint, best, torn })))
      )
    );
    const random = createRandom(soaking ? 1 : Date.now() % 1e9, "cases");
    const tried = soaking
      ? cases
      : Array.from({ length: SAMPLE }, () => cases[random.integer(cases.length)]!);
    // The state after a kill: all files as last written.
    for (let at = 0; at < lines.length; at++) {
      tried.push({ at, checkpoint: kept.checkpoint.at(-1), best: kept.best.at(-1), torn: 0.5 });
    }
    for (const [i, { at, checkpoint, best, torn }] of tried.entries()) {
      const got = join(root, name, String(i)), paths = runPaths(runFolder(got, id));
      Deno.mkdirSync(paths.folder, { recursive: true });
      Deno.copyFileSync(undisturbed.manifest, paths.manifest);
      const next = lines[at]!;
      Deno.writeTextFileSync(paths.journal, lines.slice(0, at).join("") + next.slice(0, torn * next.length));
      if (checkpoint !== undefined) Deno.writeFileSync(paths.checkpoint, checkpoint);
      if (best !== undefined) Deno.writeFileSync(paths.best, best);
      const context = `${at} lines and ${torn} of the next, checkpoint ${
        kept.checkpoint.indexOf(checkpoint)
      }, best ${kept.best.indexOf(best)}`;
      assertEquals(await execute(got), 0, context);
      assertEquals(resultDifferences(plan, { want, got }), [], context);
      const { events } = readJournal(paths.journal);
      for (const [event, bytes] of [["checkpoint", checkpoint], ["best", best]] as const) {
        const told = bytes !== undefined && Deno.readFileSync(paths[event]).length > 0;
        assertEquals(events.some((line) => line.event === event) || !told, true, context);
      }
      Deno.removeSync(got, { recursive: true });
    }
  });
}

/** Executes a run, and returns all states of its checkpoints; undefined: not written yet. */
async function withEveryCheckpoint(
  paths: { checkpoint: string; best: string },
  run: () => Promise<number>,
): Promise<{ checkpoint: Bytes[]; best: Bytes[] }> {
  const kept: { checkpoint: Bytes[]; best: Bytes[] } = { checkpoint: [undefined], best: [undefined] };
  const rename = Deno.renameSync;
  Deno.renameSync = (from, to) => {
    rename(from, to);
    for (const file of ["checkpoint", "best"] as const) {
      if (to === paths[file]) kept[file].push(Deno.readFileSync(to));
    }
  };
  try {
    assertEquals(await run(), 0);
  } finally {
    Deno.renameSync = rename;
  }
  return kept;
}
