import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recordRuns as record, type SyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { compareGroups } from "./compare_groups.ts";
import { verdictOf } from "./verdict.ts";
import { summarize } from "./summary.ts";

function run(seed: number, policy: string, last: number, end?: SyntheticRun["end"]): SyntheticRun {
  return {
    losses: [3, last],
    evals: [{ step: 2, loss: last }],
    spec: { seed, policy },
    ...end === undefined ? {} : { end },
  };
}

Deno.test("summarize() states the gap, the tolerance and the seed spread, and ends with the verdicts", () => {
  const runs = record([
    run(1, "float32", 2),
    run(1, "bf16-autocast", 2.25),
    run(2, "float32", 2.5),
    run(2, "bf16-autocast", 2.375),
  ]);
  const { headline, text, tolerance, ...tables } = summarize(runs);
  assertEquals(tolerance, 0.01);
  assertEquals([tables.runs.numRows(), tables.pairs.numRows()], [4, 2]);
  assertEquals(
    headline,
    "Over 2 pairs with the same initial weights and batches, bf16-autocast changes the final validation loss by " +
      "+0.06250 nats on average (largest: +0.25000). " +
      "The training loss leaves ±0.01 nats around float32's in 2 of 2 pairs, first at step 2 (character, T = 64, " +
      "seed 1). No training loss is NaN or infinite. " +
      "Between two seeds, float32's final validation loss differs by 0.50000 nats (root mean square of 1 difference).",
  );
  assertEquals([tables.paragraphs.length, tables.paragraphs.join(" ")], [2, headline]); // one precision, all runs
  assertStringIncludes(text, tables.paragraphs.join("\n"));
  assert(text.endsWith("character, T = 64: " + verdictOf(compareGroups(runs)[0]!.comparison).sentence));
  assertStringIncludes(text, "first beyond: first step with a gap outside ±0.01");
});

Deno.test("summarize() reports a divergence and the mean of the other pairs", () => {
  const { headline } = summarize(
    record([
      run(1, "float32", 2),
      run(1, "bf16-autocast", NaN),
      run(2, "float32", 2),
      run(2, "bf16-autocast", 2.125),
    ]),
    1,
  );
  assertStringIncludes(
    headline,
    "In one pair with the same initial weights and batches, bf16-autocast changes the final validation loss by +0.12500 nats.",
  );
  assertStringIncludes(headline, "1 of 2 pairs has no finite validation gap in bf16-autocast.");
  assertStringIncludes(headline, "leaves ±1 nats around float32's in 1 of 2 pairs, first at step 2");
  assertStringIncludes(
    headline,
    "Training losses that are NaN or infinite: 0 in float32, 1 in bf16-autocast.",
  );
});

Deno.test("summarize() reports missing pairs and unfinished runs", () => {
  const { headline, text } = summarize(
    record([run(1, "float32", 2), run(2, "float32", 2, { fail: "no memory" })]),
  );
  assertEquals(
    headline,
    "2 runs in float32, no other precision to compare with. 1 of 2 runs is not finished.",
  );
  assertStringIncludes(text, "failed");
  assertEquals(summarize([]).headline, "No run has started.");
  assertEquals(
    summarize(record([run(1, "float32", 2), run(2, "bf16-autocast", 2)])).headline,
    "2 runs without a pair: no two of them differ in precision alone.",
  );
  assertEquals(
    summarize(record([run(1, "emulated:e4m3", 2), run(1, "bf16-autocast", 2)])).headline,
    "2 runs without a pair: none is in float32.",
  );
});

Deno.test("summarize() warns of gradients that underflow, with the largest share of a precision's runs", () => {
  const runs = record([run(1, "float32", 2), run(1, "emulated:e4m3", 2.1), run(2, "emulated:e4m3", 2.1)]);
  assertEquals(summarize(runs).text.includes("underflow"), false);
  const withShare = runs.map((one, i) => ({
    ...one,
    events: one.events.map((event) =>
      event.event === "step" && event.step === 1 && i < 2 ? { ...event, underflow: (i + 1) / 4 } : event
    ),
  }));
  assertStringIncludes(
    summarize(withShare).text,
    "warning: 50 % of the gradient's elements underflow to 0 in emulated:e4m3 (emulated IEEE-style e4m3) at the first step.",
  );
  assertEquals(summarize(withShare.slice(2)).text.includes("underflow"), false);
});

Deno.test("summarize() is deterministic", () => {
  const runs = record([run(1, "float32", 2), run(1, "bf16-autocast", 2.1), run(2, "float32", 2.5)]);
  assertEquals(summarize(runs).text, summarize(structuredClone(runs)).text);
});
