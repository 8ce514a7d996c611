import { assertEquals, assertStringIncludes } from "@std/assert";
import { simulatePairs } from "../../tests/support/simulated_pairs.ts";
import type { RecordedRun } from "../record/mod.ts";
import { comparisonText } from "./comparison_text.ts";
import { formatTable } from "./format.ts";
import { compareGroups, verdictTable } from "./compare_groups.ts";

/** Simulated pairs of two settings, one of which has an effect. */
function runs(): RecordedRun[] {
  return [32, 64].flatMap((T) =>
    simulatePairs({ simulation: T, pairs: 5, steps: 60, chance: 0.001, effect: () => T === 64 ? 0.1 : 0 })
      .flatMap(
        ({ baseline, other }) =>
          [baseline, other].map((run) => ({
            ...run,
            manifest: { ...run.manifest, spec: { ...run.manifest.spec, T } },
          })),
      )
  );
}

Deno.test("compareGroups() compares every setting with its own seeds; verdictTable() has one row per setting", () => {
  const compared = compareGroups(runs());
  assertEquals(compared.map(({ setting, pairs, unfinished }) => [setting, pairs.length, unfinished]), [
    ["character, T = 32", 5, 0],
    ["character, T = 64", 5, 0],
  ]);
  assertEquals(compared.map(({ comparison }) => comparison.seedSpread?.seeds), [5, 5]);
  const table = verdictTable(compared);
  assertEquals(table.array("verdict"), ["stable", "degraded"]);
  assertEquals(table.array("apartFrom"), [null, 1]);
  assertStringIncludes(formatTable(table), "in every row: policy bf16-autocast");
  assertEquals(compareGroups([]), []);
  assertEquals(compareGroups(runs(), { tolerance: 1 }).map(({ comparison }) => comparison.tolerance), [1, 1]);
});

Deno.test("comparisonText() ends with the verdict and its reasons", () => {
  const text = comparisonText(compareGroups(runs())[1]!);
  for (
    const part of [
      "bf16-autocast against float32: character, T = 64, 5 pairs",
      "final validation loss",
      "training loss, sum of gaps",
      "Seed spread: the final validation losses of two seeds of float32 differ by",
      "nats is detected with a probability of 0.8.\n",
      "The gap of training losses is significant from step 1",
      "Spikes (rises of more than 5 standard deviations): ",
    ]
  ) assertStringIncludes(text, part);
  assertEquals(text.split("\n").at(-1)!.startsWith("degraded by 0."), true);
});

Deno.test("comparisonText() states the sign-flip test from 6 pairs on", () => {
  const six = simulatePairs({ simulation: 1, pairs: 6, steps: 60, chance: 0.001, effect: () => 0.1 });
  const text = comparisonText(compareGroups(six.flatMap(({ baseline, other }) => [baseline, other]))[0]!);
  assertStringIncludes(text, "probability of 0.8; the exact sign-flip test of the gap has p = 0.0313.");
});
