/** An experiment concludes from the runs of its plans alone, and ties its result to its specs. */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import { type Experiment, runExperiment } from "../lib/sweep/mod.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";
import { root, text } from "./support/tiny_sweep.ts";

const experiment = (steps: number): Experiment => ({
  ...{ name: "planned", title: "", claim: "", source: "", prediction: "" },
  sweeps: () => ({
    only: {
      spec: {
        ...{ data: text, vocab: ["character"], seq: [8], policy: ["float32"], seeds: [1], tokensPerStep: 32 },
        ...{ nLayer: 1, nHead: 2, nEmbd: 16, steps, evalEvery: 2, evalBytes: 64 },
      },
    },
  }),
  conclude: ({ runs }) => ({
    verdict: "not decidable at this scale",
    reason: Object.values(runs).flat().map(({ manifest }) => manifest.runId).join(),
    directionHolds: true,
    tables: {},
  }),
});

Deno.test("runExperiment() ignores runs in its folder that its plan does not name", async () => {
  const dir = join(root, "planned"), print = () => {};
  const first = await runExperiment(experiment(4), { dir, print });
  writeSyntheticRun(join(dir, "only"), { losses: [3, 2], evals: [{ step: 2, loss: 2 }] });
  const second = await runExperiment(experiment(4), { dir, print });
  assertEquals([second!.runs, second!.reason, second!.seconds], [1, first!.reason, first!.seconds]);
  assertMatch(second!.reason, /^[0-9a-f]{12}$/);
  assertMatch(second!.specs["only"]!, /^[0-9a-f]{64}$/);
  const other = await runExperiment(experiment(2), { dir: join(root, "other"), print });
  assertNotEquals(other!.specs, second!.specs);
});
