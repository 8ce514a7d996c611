import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { recordRuns as record } from "../../tests/support/synthetic_runs.ts";
import type { RecordedRun } from "../record/mod.ts";
import type { Figure, PlotlyObject } from "./figure.ts";
import { gapFigures, lossFigures } from "./figures.ts";
import { gapByAxisFigures, lossByAxisFigures } from "./by_axis.ts";

/** Two precisions, seeds, tokenizers and sequence lengths; the gap is `gap` at the last of three steps. */
function sweep(gap: (seed: number) => number = (seed) => seed / 8): RecordedRun[] {
  return record(
    ["character", "bpe:512"].flatMap((tokenizer) =>
      [64, 128].flatMap((T) =>
        [1, 2].flatMap((seed) =>
          ["float32", "bf16-autocast"].map((policy) => {
            const last = policy === "float32" ? 1 : 1 + gap(seed);
            return {
              losses: [3, 2, last],
              evals: [{ step: 0, loss: 4 }, { step: 3, loss: last }],
              spec: { tokenizer, T, seed, policy },
            };
          })
        )
      )
    ),
  );
}

const names = (figure: Figure) => figure.data.map(({ name }) => name);
/** Returns the curves of single runs, without means. */
const ofRuns = ({ data }: Figure) => data.filter(({ meta }) => (meta as PlotlyObject)["run"] !== undefined);
const yOf = (trace: PlotlyObject | undefined) => trace?.["y"];

Deno.test("lossFigures() returns one figure per setting, with lower precision on top of float32", () => {
  const figures = lossFigures(sweep());
  assertEquals(figures.map(({ title }) => title), [
    "Loss: bpe:512, T = 64",
    "Loss: bpe:512, T = 128",
    "Loss: character, T = 64",
    "Loss: character, T = 128",
  ]);
  assertEquals(names(figures[0]!), [
    "float32, seed 1",
    "float32, seed 1, validation",
    "float32, seed 2",
    "float32, seed 2, validation",
    "bf16-autocast, seed 1",
    "bf16-autocast, seed 1, validation",
    "bf16-autocast, seed 2",
    "bf16-autocast, seed 2, validation",
  ]);
  const [training, validation] = figures[0]!.data;
  assertEquals([training?.["x"], yOf(training)], [[1, 2, 3], [3, 2, 1]]);
  assertEquals([validation?.["x"], yOf(validation)], [[0, 3], [4, 1]]);
});

Deno.test("figures use the same color and dash for a policy and a seed everywhere", () => {
  for (const figures of [lossFigures(sweep()), gapFigures(sweep())]) {
    const styles = new Map<unknown, string>();
    for (const { name, line } of figures.flatMap(ofRuns)) {
      if (line === undefined) continue;
      const style = JSON.stringify(line);
      assertEquals(styles.get(name) ?? style, style);
      styles.set(name, style);
    }
    assertEquals(new Set(styles.values()).size, styles.size);
  }
});

Deno.test("gapFigures() draws the lower precision's loss minus float32's", () => {
  const figures = gapFigures(sweep(), 0.25);
  assertEquals(figures.length, 4);
  assertEquals(ofRuns(figures[0]!).map(({ name }) => name), [
    "bf16-autocast, seed 1",
    "bf16-autocast, seed 2",
  ]);
  assertEquals(ofRuns(figures[0]!).map(yOf), [[0, 0, 0.125], [0, 0, 0.25]]);
  const rules = figures[0]!.layout["shapes"] as PlotlyObject[];
  assertEquals(rules.map(({ y0 }) => y0), [0.25, -0.25]);
  const [low, high] = (figures[0]!.layout["yaxis"] as PlotlyObject)["range"] as number[];
  assert(low! < 0 && high! > 0.25);
});

Deno.test("gapFigures() shows the mean of several pairs with Student's interval, and the noise floor", () => {
  const perturbed = record([{
    losses: [3, 2, 1.1],
    evals: [{ step: 0, loss: 4 }, { step: 3, loss: 1.1 }],
    spec: { seed: 1, perturb: 1, tokenizer: "bpe:512" },
  }]);
  const { data } = gapFigures([...sweep(), ...perturbed])[0]!;
  const means = data.filter(({ meta }) => (meta as PlotlyObject)["mean"] !== undefined);
  assertEquals(means.map(({ name }) => name), [
    "bf16-autocast, lower bound",
    "bf16-autocast, upper bound",
    "bf16-autocast, mean of 2, 95 % interval",
    "noise floor",
    "noise floor",
  ]);
  const [low, high, mean] = means.map((trace) => yOf(trace) as number[]);
  // Gaps of 1/8 and 1/4 at the last step: t of 1 degree of freedom is 12.706, the deviation of their mean 1/16.
  assertEquals(mean!.at(-1), 0.1875);
  assertAlmostEquals(high!.at(-1)! - mean!.at(-1)!, 12.7062 / 16, 1e-4);
  assertAlmostEquals(mean!.at(-1)! - low!.at(-1)!, 12.7062 / 16, 1e-4);
});

Deno.test("figures separate settings by every field of their specs", () => {
  const runs = record([1e-3, 1e-2].flatMap((lr) =>
    ["float32", "bf16-autocast"].map((policy) => ({
      losses: [3, 2],
      evals: [{ step: 2, loss: policy === "float32" ? 2 : 2 + lr }],
      spec: { lr, policy },
    }))
  ));
  assertEquals(lossFigures(runs).map(({ title }) => title), [
    "Loss: character, T = 64, lr = 0.001",
    "Loss: character, T = 64, lr = 0.01",
  ]);
  const [byLr] = gapByAxisFigures(runs);
  assertEquals([byLr!.title, byLr!.data[1]!["x"]], ["Gap by lr", ["lr = 0.001", "lr = 0.01"]]);
});

Deno.test("the explanation of a figure names only what the figure shows", () => {
  const howOf = (figures: readonly Figure[]) => figures.map(({ how }) => how);
  const alone = record([{ losses: [3, 2] }]);
  assertEquals(howOf(lossFigures(alone)), ["Lines: training loss. Diamonds: validation loss."]);
  const one = record([{ losses: [3, 2] }, { losses: [3, NaN], spec: { policy: "bf16-autocast" } }]);
  assertEquals(howOf(lossFigures(one)), [
    "Lines: training loss, lower precision on top of float32. Diamonds: validation loss. Crosses: NaN or infinite losses.",
  ]);
  assertEquals(howOf(gapFigures(one)), [
    "Training loss minus float32's: above 0, the lower precision is worse. Crosses: NaN or infinite gaps. " +
    "Dotted: tolerance of ±0.01 nats, if in range.",
  ]);
});

Deno.test("lossByAxisFigures() shows float32 in its color, and side by side in a range of the losses", () => {
  const runs = (policies: readonly string[]) =>
    record([1e-3, 3e-3, 1e-2].flatMap((lr) =>
      policies.map((policy) => ({
        losses: [3, 2],
        evals: [{ step: 2, loss: 2 + lr }],
        spec: { lr, policy, ...policy === "fp16-scaled" && { data: "other" } },
      }))
    ));
  const [one] = lossByAxisFigures(runs(["float32"]));
  assertEquals(one!.layout["scattermode"], undefined);
  assertEquals((one!.data[0]!["marker"] as { color: string }).color, "#2B8CCB");
  const [two] = lossByAxisFigures(runs(["bf16-autocast", "fp16-scaled"]));
  assertEquals(two!.layout["scattermode"], "group");
  const { range: [low = 0, high = 0] } = two!.layout["yaxis"] as { range: number[] };
  assert(low > 1.99 && low < 2.001 && high > 2.01 && high < 2.02, `${low} ${high}`);
});

Deno.test("gapByAxisFigures() has one mark per pair and one mean per category", () => {
  const [byT, byVocabulary, byBoth] = gapByAxisFigures(sweep());
  assertEquals([byT!.data[0]!["x"], yOf(byT!.data[0])], [
    ["T = 64", "T = 64", "T = 128", "T = 128", "T = 64", "T = 64", "T = 128", "T = 128"],
    [0.125, 0.25, 0.125, 0.25, 0.125, 0.25, 0.125, 0.25],
  ]);
  assertEquals([byT!.data[1]!["x"], yOf(byT!.data[1])], [["T = 64", "T = 128"], [0.1875, 0.1875]]);
  assertEquals(byVocabulary!.data[1]!["x"], ["bpe:512", "character"]);
  assertEquals((byBoth!.data[1]!["x"] as string[]).length, 4);
});

Deno.test("figures break and mark a curve at non-finite losses, and count pairs without a gap", () => {
  const runs = sweep((seed) => seed === 1 ? NaN : 0.5);
  const [loss] = lossFigures(runs);
  const mark = loss!.data.find(({ name }) => String(name).includes("not finite"));
  assertEquals([mark?.["name"], mark?.["x"], yOf(mark), mark?.["text"]], [
    "bf16-autocast, seed 1: not finite",
    [3, 3],
    [2, 2],
    ["NaN", "NaN"],
  ]);
  assertEquals(ofRuns(gapFigures(runs)[0]!).map(yOf), [[0, 0, null], [0], [0, 0, 0.5]]);
  const [byT] = gapByAxisFigures(runs);
  assertEquals(byT!.title, "Gap by sequence length (not finite in 4 of 8 pairs)");
  assertEquals(yOf(byT!.data[1]), [0.5, 0.5]);
});

Deno.test("figures are plain JSON, thinned, and contain no tag from a name", () => {
  const runs = record(
    ["float32", "bf16-autocast"].flatMap((policy) =>
      ['<a href="javascript:alert(1)">', "<b>x</b>"].map((data) => ({
        losses: Array.from({ length: 5000 }, (_, i) => i === 4000 ? Infinity : 3 + Math.sin(i)),
        evals: [{ step: 5000, loss: 2 }],
        spec: { data, policy, tokenizer: "</script><img onerror=alert(1)>" },
      }))
    ),
  );
  const figures = [...lossFigures(runs), ...gapFigures(runs), ...gapByAxisFigures(runs)];
  for (const { data, layout } of figures) {
    assertEquals(JSON.parse(JSON.stringify({ data, layout })), { data, layout });
    assert(!JSON.stringify({ data, layout }).includes("<"));
    for (const trace of data) assertLessOrEqual((trace["x"] as unknown[]).length, 400);
  }
});

Deno.test("figure functions return no figures without runs", () => {
  assertEquals([lossFigures([]), gapFigures([]), gapByAxisFigures([])], [[], [], []]);
});
