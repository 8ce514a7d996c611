import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recorded } from "../../tests/support/simulated_pairs.ts";
import { type CulpritFinding, gapGrids, partsOf } from "../analysis/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import type { Figure } from "./figure.ts";
import { culpritFigures, gridFigures } from "./comparison_figures.ts";
import { renderReport, reportFigures } from "./report/report.ts";

/** Pairs over T × V with a gap that grows with T. */
function grid(): RecordedRun[] {
  return [32, 64].flatMap((T) =>
    [256, 512].flatMap((V) =>
      [1, 2, 3].flatMap((seed) =>
        ["float32", "bf16-autocast"].map((policy) => {
          const moved = policy === "float32" ? 0 : 0.001 * T + 0.0001 * seed;
          const run = recorded({ seed, policy, losses: [3 + moved], validation: 2 + moved });
          return {
            ...run,
            manifest: {
              ...run.manifest,
              spec: { ...run.manifest.spec, T, tokenizer: `bpe:${V}` },
              environment: {},
            },
          } as unknown as RecordedRun;
        })
      )
    )
  );
}

const FINDING: CulpritFinding = {
  setting: "character, T = 64 <b>",
  precision: "bf16-autocast",
  signal: "replay",
  effect: "the squared error of a step's gradient",
  sentence: "The culprit is softmax of h.1 <script>alert(1)</script>.",
  replayed: undefined,
  search: {
    level: "parts",
    lowered: { parts: undefined, reason: "too many parts", share: NaN },
    returned: { parts: undefined, reason: "too many parts", share: NaN },
    alone: partsOf(2).map((part, i) => ({ part, share: i / 100 })),
    trials: 9,
  },
};

Deno.test("gridFigures() draws each measure over T, one line with intervals per V", () => {
  const [found] = gapGrids(grid());
  const figures = gridFigures(found!);
  assertEquals(figures.length, 3);
  const [validation] = figures;
  assertEquals(validation!.data.map(({ name }) => name), ["V = 256", "V = 512"]);
  const [first] = validation!.data as unknown as { y: number[]; error_y: { array: number[] } }[];
  assertEquals(first!.y.map((y) => y.toFixed(4)), ["0.0322", "0.0642"]);
  assert(first!.error_y.array.every((half) => half > 0));
  assertStringIncludes(JSON.stringify(validation!.layout), '"tickvals":[32,64]');
});

Deno.test("gridFigures() draws vocabularies at their own places if there is one sequence length", () => {
  const [found] = gapGrids(grid().filter(({ manifest }) => manifest.spec.T === 64));
  const [{ data, layout }] = gridFigures(found!) as [ReturnType<typeof gridFigures>[number]];
  assertEquals(data.map(({ name, x }) => [name, x]), [["T = 64", [256, 512]]]);
  assertStringIncludes(JSON.stringify(layout), '"tickvals":[256,512]');
});

Deno.test("gridFigures() names the only vocabulary in the title, and says which vocabularies a figure excludes", () => {
  const runs = grid().filter(({ manifest }) => manifest.spec.tokenizer === "bpe:512");
  const characters = runs.map((run) => {
    const { manifest } = run;
    const spec = { ...manifest.spec, tokenizer: "character" };
    return { ...run, manifest: { ...manifest, spec, runId: `c${manifest.runId}` } };
  });
  const [[sized], [own]] = gapGrids([...runs, ...characters]).map(gridFigures) as [Figure[], Figure[]];
  assertEquals([sized!.title, own!.title], [
    "Final gap by T: bf16-autocast, V = 512",
    "Final gap by T: bf16-autocast, character",
  ]);
  assertStringIncludes(sized!.how!, "Without character: no V in the name.");
  assert(!own!.how!.includes("Without"));
  const [{ name, x }] = own!.data as unknown as [{ name: string; x: number[] }];
  assertEquals([name, x], ["character", [32, 64]]);
  // Two vocabularies at one T, one without a size: no figure, and a sentence says why.
  const atOne = [...runs, ...characters].filter(({ manifest }) => manifest.spec.T === 64);
  const { figures, sentences } = reportFigures(atOne).find(({ heading }) =>
    heading === "Does the gap grow?"
  )!;
  assertEquals([figures, sentences!.length], [[], 1]);
});

Deno.test("culpritFigures() has a row per class and a column per layer, and is empty without single parts", () => {
  const [figure] = culpritFigures(FINDING);
  const [{ z }] = figure!.data as unknown as [{ z: (number | null)[][] }];
  assertEquals(z.length, 7);
  assertEquals(z[0], [0, 0.01, 0.02, null, null]); // linear: h.0, h.1, head; not in embedding and loss
  assertEquals(culpritFigures({ ...FINDING, search: { ...FINDING.search, alone: [] } }), []);
});

Deno.test("a report has interaction plots and culprits if there are any, with escaped text", async () => {
  const headings = (culprits: CulpritFinding[]) =>
    reportFigures(grid(), 0.05, culprits).map(({ heading }) => heading);
  assert(headings([FINDING]).includes("Culprit") && headings([FINDING]).includes("Does the gap grow?"));
  assert(!headings([]).includes("Culprit"));
  assert(!reportFigures([], 0.05).some(({ heading }) => heading === "Does the gap grow?"));
  const html = await renderReport({ title: "grid", runs: grid(), reproduce: [], culprits: [FINDING] });
  assertStringIncludes(html, "The culprit is softmax of h.1 &lt;script&gt;alert(1)&lt;/script&gt;.");
  assertStringIncludes(
    html,
    "bf16-autocast: the gap of the final validation loss in nats per token (95 %, 3 paired seeds)",
  );
});
