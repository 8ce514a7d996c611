import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  encodeTensorBoard,
  JournalWriter,
  probeColumns,
  readJournal,
  type RecordedRun,
  runPaths,
} from "../record/mod.ts";
import { recordRuns } from "../../tests/support/synthetic_runs.ts";
import { probeFigures } from "./probe_figures.ts";
import { renderReport } from "./report/report.ts";
import { figureSvg } from "./svg/svg.ts";

const figures = { loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1, lossScale: 1024 };

/** Returns a run with probes at three steps, the last one recorded again after a resume. */
function run() {
  return recordRuns([{ losses: [], spec: { policy: "emulated:e4m3", steps: 3 }, end: "none" }], (folder) => {
    const { journal } = runPaths(folder);
    using writer = new JournalWriter(journal, readJournal(journal).validBytes);
    const probes = (flushed: number) => ({
      "h.0": { gradFlushed: flushed, saturated: 0 },
      "h.1": { gradFlushed: flushed / 2, saturated: 0 },
      "h.0.ln_1.weight": { gradNorm: 1 },
      loss: { byPosition: [1, 2] },
    });
    for (const step of [1, 2, 3]) {
      writer.write({ event: "step", step, ...figures, probes: probes(0.1 * step) });
    }
    writer.write({ event: "resume", step: 2 });
    writer.write({ event: "step", step: 3, ...figures, lossScale: 512, probes: probes(0.9) });
  });
}

Deno.test("probeFigures() draws layer × step per metric without superseded steps", async () => {
  const runs = run();
  const [flushed, ...none] = probeFigures(runs);
  assertEquals(none, []); // no value is saturated
  assertEquals(
    flushed?.title,
    "Gradients flushed to 0: emulated:e4m3 (emulated IEEE-style e4m3)",
  );
  const [map] = flushed!.data;
  assertEquals(map!["z"], [[0.1, 0.2, 0.9], [0.05, 0.1, 0.45]]);
  assertEquals([map!["zmin"], map!["zmax"]], [0, 0.9]);
  const { xaxis, yaxis } = flushed!.layout as Record<string, { ticktext: string[] }>;
  assertEquals([xaxis!.ticktext, yaxis!.ticktext], [["1", "2", "3"], ["h.0", "h.1"]]);
  const svg = figureSvg(flushed!);
  assertStringIncludes(svg, ">h.1</text>");
  assert(/>0.9<\/text>.*>0<\/text><\/g>/.test(svg), "the color bar's labels");
  const html = await renderReport({ title: "probes", runs, reproduce: [] });
  assertStringIncludes(html, "<h2>Probes</h2>");
});

Deno.test("probeFigures() draws the scales of delayed scaling by operand and step", () => {
  const runs = recordRuns([{
    losses: [3, 2],
    spec: { policy: "fp8-hybrid+delayed" },
    step: (i) => ({
      probes: {
        "h.0.mlp.c_fc.x": { amax: 7, scale: 64 * (i + 1) },
        "h.0.mlp.c_fc.dy": { amax: 7, scale: 2 ** 20 },
      },
    }),
  }]);
  const [scales, ...none] = probeFigures(runs);
  assertEquals(none, []);
  assertStringIncludes(String(scales?.title), "Delayed scales (log2): fp8-hybrid+delayed");
  assertEquals(scales!.data[0]!["z"], [[6, 7], [20, 20]]);
  const { yaxis } = scales!.layout as Record<string, { ticktext: string[] }>;
  assertEquals(yaxis!.ticktext, ["h.0.mlp.c_fc.x", "h.0.mlp.c_fc.dy"]);
});

Deno.test("probeColumns() has a row per metric of the effective probed steps", () => {
  const runs = run(), columns = probeColumns(runs);
  const tags = new TextDecoder().decode(encodeTensorBoard(runs[0]!));
  assertStringIncludes(tags, "probes/h.0/gradFlushed");
  assertStringIncludes(tags, "probes/h.0.ln_1.weight/gradNorm");
  const rows = (columns["step"] as Int32Array).length;
  assertEquals(rows, 3 * (2 + 2 + 1 + 2));
  const at = Array.from({ length: rows }, (_, i) => i).filter((i) =>
    (columns["scope"] as string[])[i] === "loss"
  );
  assertEquals(at.map((i) => (columns["position"] as (number | null)[])[i]), [0, 1, 0, 1, 0, 1]);
  assertEquals((columns["value"] as Float64Array).filter((value) => value === 0.9).length, 1);
});

Deno.test("probeFigures() prefers an unperturbed run, also if a perturbed copy comes first", () => {
  const probed = (perturb: number, flushed: number) => ({
    losses: [3],
    spec: { perturb },
    step: () => ({ probes: { "h.0": { flushed } } }),
  });
  const values = (runs: readonly RecordedRun[]) => probeFigures(runs).map(({ data: [map] }) => map!["z"]);
  const runs = recordRuns([probed(1, 0.25), probed(0, 0.5)]);
  assertEquals(values(runs), [[[0.5]]]);
  assertEquals(values(runs.toReversed()), [[[0.5]]]);
  assertEquals(values(recordRuns([probed(1, 0.25)])), [[[0.25]]]);
});
