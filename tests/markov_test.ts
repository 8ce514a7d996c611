// @heavy
/**
 * Training on a text of known entropy: the loss decreases to the entropy rate, and not below it.
 */
import { assertAlmostEquals, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { effectiveEvents, readRuns } from "../lib/record/mod.ts";
import { createMarkovSource } from "../lib/text/mod.ts";
import { runTask } from "./support/commands.ts";

Deno.test("train reaches a Markov source's entropy rate within 0.02 nats, with every sampling", async () => {
  const dir = await Deno.makeTempDir();
  const { entropyRate } = createMarkovSource({ symbols: 12, order: 1, peak: 3, seed: 4 });
  try {
    for (const sampling of ["random", "shuffled"]) {
      const { code, stderr } = await runTask("train", [
        ...[
          "--data",
          "markov:symbols=12,seed=4,length=600000",
          "--sampling",
          sampling,
          "--out",
          join(dir, sampling),
        ],
        ...[
          "--n-layer",
          "1",
          "--n-head",
          "2",
          "--n-embd",
          "32",
          "--seq",
          "32",
          "--batch",
          "32",
          "--steps",
          "300",
        ],
        ...[
          "--lr",
          "1e-2",
          "--min-lr",
          "1e-4",
          "--warmup-steps",
          "20",
          "--eval-every",
          "300",
          "--eval-tokens",
          "all",
        ],
      ]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, `entropy rate ${entropyRate.toFixed(4)} nats per character`);
      const [run] = readRuns(join(dir, sampling));
      assertEquals(run!.manifest.data.entropyRate, entropyRate);
      const { evals } = effectiveEvents(run!.events);
      assertEquals(evals.map(({ tokens }) => tokens), [59_999, 59_999]);
      // An untrained model has a loss of ln 12. A loss below the rate by more than this margin is impossible.
      assertGreater(evals[0]!.loss, Math.log(12) - 0.1);
      assertAlmostEquals(Number(evals[1]!.loss), entropyRate, 0.02);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
