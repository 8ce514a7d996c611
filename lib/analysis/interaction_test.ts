import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { recorded } from "../../tests/support/simulated_pairs.ts";
import { createRandom } from "../text/random.ts";
import type { RecordedRun } from "../record/mod.ts";
import { formatTable } from "./format.ts";
import { gapGrids, type GapMeasure, gridSentences, gridTable, missingGrids } from "./interaction.ts";

interface Cell {
  T: number;
  V: number | "character";
  seed: number;
}

/** Creates runs over a grid. `gap` returns the gap of each pair. */
function grid(
  axes: { T: number[]; V: (number | "character")[]; seeds: number[] },
  gap: (cell: Cell) => number,
): RecordedRun[] {
  return axes.T.flatMap((T) =>
    axes.V.flatMap((V) =>
      axes.seeds.flatMap((seed) =>
        ["float32", "bf16-autocast"].map((policy) => {
          const moved = policy === "float32" ? 0 : gap({ T, V, seed });
          const run = recorded({ seed, policy, losses: [3 + moved, 2 - moved], validation: 2 + moved });
          const tokenizer = V === "character" ? V : `bpe:${V}`;
          const spec = { ...run.manifest.spec, T, tokenizer };
          return { ...run, manifest: { ...run.manifest, spec } };
        })
      )
    )
  );
}

const AXES = { T: [32, 64, 128], V: [256, 512, 1024], seeds: [1, 2, 3, 4, 5] };

function effectsOf(runs: RecordedRun[], measure: GapMeasure = "validation") {
  const [found] = gapGrids(runs);
  return Object.fromEntries(
    found!.effects.filter((one) => one.measure === measure).map(({ of, effect }) => [of, effect]),
  );
}

Deno.test("gapGrids() recovers the effects of a synthetic grid", () => {
  const effects = effectsOf(grid(AXES, ({ T, V }) => {
    const [x, v] = [Math.log2(T) - 6, Math.log2(V as number) - 9];
    return 0.1 + 0.02 * x - 0.03 * v + 0.004 * x * v;
  }));
  const wanted = { mean: 0.1, T: 0.02, V: -0.03, "T × V": 0.004 };
  for (const [of, value] of Object.entries(wanted)) {
    assertAlmostEquals(effects[of]!.mean, value, 1e-12);
    assertAlmostEquals(effects[of]!.half!, 0, 1e-12);
    assertEquals(effects[of]!.n, 5);
  }
});

Deno.test("gapGrids() treats each seed as one observation, so that an offset shared by its settings does not widen intervals", () => {
  const effects = effectsOf(grid(AXES, ({ T, seed }) => 0.02 * Math.log2(T) + 0.1 * seed));
  assertAlmostEquals(effects["T"]!.half!, 0, 1e-12);
  // Means of the seeds lie 0.1 apart: sd 0.158, t(4) = 2.776
  assertAlmostEquals(effects["mean"]!.half!, 2.776445 * Math.sqrt(0.025) / Math.sqrt(5), 1e-6);
});

Deno.test("gapGrids() has intervals with the nominal coverage", () => {
  let covered = 0;
  for (let i = 1; i <= 400; i++) {
    const random = createRandom(i, "test");
    const { T } = effectsOf(
      grid(
        { T: [32, 64], V: [256, 512], seeds: AXES.seeds },
        ({ T }) => 0.01 * Math.log2(T) + 0.005 * random.normal(),
      ),
    );
    if (Math.abs(T!.mean - 0.01) <= T!.half!) covered++;
  }
  assertAlmostEquals(covered / 400, 0.95, 3 * Math.sqrt(0.05 * 0.95 / 400));
});

Deno.test("gapGrids() also measures bits per byte and distances", () => {
  const runs = grid(AXES, ({ T }) => -0.01 * T);
  assertAlmostEquals(
    effectsOf(runs, "bitsPerByte")["mean"]!.mean,
    -0.01 * (32 + 64 + 128) / 3 / Math.LN2,
    1e-9,
  );
  assertAlmostEquals(effectsOf(runs, "distance")["mean"]!.mean, 0.01 * (32 + 64 + 128) / 3, 1e-9);
});

Deno.test("gapGrids() requires complete grids with a V, and uses only seeds that every setting has", () => {
  assertEquals(gapGrids([]), []);
  assertEquals(gapGrids(grid({ ...AXES, seeds: [1] }, () => 0)), []);
  assertEquals(gapGrids(grid({ ...AXES, T: [32], V: [256] }, () => 0)), []);
  assertEquals(gapGrids(grid({ ...AXES, V: ["character"], T: [32] }, () => 0)), []);
  const holed = grid(AXES, () => 0).filter(({ manifest: { spec } }) =>
    spec.T !== 64 || spec.tokenizer !== "bpe:512"
  );
  assertEquals(gapGrids(holed), []);
  const [found] = gapGrids(grid({ ...AXES, V: ["character", 256, 512] }, () => 0));
  assertEquals(found!.cells.map(({ V, T }) => [V, T]), [[256, 32], [256, 64], [256, 128], [512, 32], [
    512,
    64,
  ], [512, 128]]);
  const fewer = grid(AXES, ({ seed, T }) => seed === 3 && T === 64 ? NaN : 0);
  assertEquals(gapGrids(fewer)[0]!.seeds, [1, 2, 4, 5]);
  const line = gapGrids(grid({ ...AXES, V: [256] }, ({ T }) => T));
  assertEquals(new Set(line[0]!.effects.map(({ of }) => of)), new Set(["mean", "T"]));
});

Deno.test("gapGrids() has a grid over T of each tokenizer whose name states no V, and missingGrids() names the rest", () => {
  const runs = grid({ ...AXES, V: ["character", 256] }, ({ T, V }) => V === 256 ? 0 : 0.02 * Math.log2(T));
  const [sized, own, ...none] = gapGrids(runs);
  assertEquals(none, []);
  assertEquals([sized!.leftOut, own!.leftOut], [["character"], []]);
  assertEquals(own!.cells.map(({ tokenizer, V, T }) => [tokenizer, V, T]), [
    ["character", undefined, 32],
    ["character", undefined, 64],
    ["character", undefined, 128],
  ]);
  const effects = own!.effects.filter(({ measure }) => measure === "validation");
  assertEquals(effects.map(({ of }) => of), ["mean", "T"]);
  assertAlmostEquals(effects[1]!.effect.mean, 0.02, 1e-12);
  assertMatch(gridSentences(own!)[0]!, /^bf16-autocast, character: the gap of the final validation loss/);
  assertStringIncludes(formatTable(gridTable(own!)), "character");
  assertEquals(missingGrids(runs), []);
  const one = grid({ ...AXES, T: [32], V: ["character", 256] }, () => 0);
  assertEquals(gapGrids(one), []);
  assertMatch(
    missingGrids(one).join(),
    /^bf16-autocast: no estimate\. It requires several T of one vocabulary/,
  );
  assertEquals(missingGrids(grid({ ...AXES, T: [32], V: [256] }, () => 0)), []);
  assertEquals(missingGrids(grid({ ...AXES, V: ["character"], seeds: [1] }, () => 0)), []);
});

Deno.test("gridSentences() and gridTable() report the change per doubling", () => {
  const [found] = gapGrids(grid(AXES, ({ T, seed }) => 0.01 * Math.log2(T) + 0.001 * seed));
  const sentences = gridSentences(found!);
  assertEquals(sentences.length, 3);
  assertMatch(
    sentences[0]!,
    /^bf16-autocast: the gap of the final validation loss in nats per token \(95 %, 5 paired seeds\) is \+0\.06/,
  );
  assertStringIncludes(sentences[0]!, "changes by +0.010000 ± 0.000000 with a doubling of T");
  const [mixed] = gapGrids(grid({ ...AXES, V: ["character", 256, 512] }, () => 0));
  assertEquals(gridSentences(mixed!).at(-1), "bf16-autocast: without character, which has no V in its name.");
  assert(formatTable(gridTable(found!)).includes("bits/byte"));
});

Deno.test("gridSentences() calls an effect significant only after Holm's correction, and states detectable effects", () => {
  const noise = (seed: number, T: number) => 0.01 * Math.sin(7 * seed + T);
  const [found] = gapGrids(grid({ ...AXES, V: [256] }, ({ T, seed }) => noise(seed, T)));
  const { adjustedP, effect, detectable } = found!.effects.find(({ of }) => of === "T")!;
  assert(adjustedP > 0.05 && detectable > effect.half!);
  const [sentence] = gridSentences(found!);
  assertStringIncludes(sentence!, "with a doubling of T (not significant, p = ");
  const decimals = 1 - Math.floor(Math.log10(effect.half!));
  assertStringIncludes(sentence!, `± ${effect.half!.toFixed(decimals)} with a doubling of T`);
  assertStringIncludes(sentence!, `detectable: ${detectable.toFixed(decimals)})`);
  assertStringIncludes(sentence!, "Holm's correction over 2 effects.");
});
