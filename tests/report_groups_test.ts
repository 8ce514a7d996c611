/**
 * Identity in reports: runs are grouped by whole values, however similar their shortened names are.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import fc from "fast-check";
import { UserError } from "../lib/error/user_error.ts";
import { exists } from "../lib/file/exists.ts";
import { compareGroups, gapGrids, precisionName, runTable, summarize } from "../lib/analysis/mod.ts";
import {
  type Figure,
  gapByAxisFigures,
  gapFigures,
  lossFigures,
  renderReport,
  reportFigures,
} from "../lib/figure/mod.ts";
import type { PageData } from "../lib/figure/report/page/types.ts";
import type { RecordedRun, RunSpec } from "../lib/record/mod.ts";
import { embedded } from "./support/embedded.ts";
import { compare, report } from "../lib/study/mod.ts";
import { recordRuns, writeSyntheticRun } from "./support/synthetic_runs.ts";

/** Names that agree in their first 59 characters, or that look alike once invisible characters are replaced. */
const PREFIX = "a".repeat(58);
const name = fc.oneof(
  fc.constantFrom("", "a", "none", "a\u202e", "a\u200b", "a\ufffd", "a, T = 64", "<b>", "&lt;b>", "a & b"),
  fc.constantFrom("x", "y", "xy", "x\u2028", "x ").map((end) => PREFIX + end),
  fc.constantFrom("x", "y").map((middle) => PREFIX + middle + PREFIX),
);

const setting = fc.record({
  data: name,
  tokenizer: name,
  T: fc.constantFrom(64, 128),
  lr: fc.constantFrom(1e-5, 2e-5),
  threads: fc.constantFrom(1, 2),
});

const precision = fc.record({
  policy: fc.constantFrom("bf16-autocast", "fp16"),
  overrides: name.map((layer) =>
    layer === "" ? [] : [{ layers: [layer], opClasses: ["softmax" as const], format: "float32" }]
  ),
});

/** Records pairs of two seeds for each setting and precision. */
function record(
  settings: readonly Partial<RunSpec>[],
  precisions: readonly Partial<RunSpec>[],
): RecordedRun[] {
  const specs = settings.flatMap((setting) =>
    [{ policy: "float32" }, ...precisions].flatMap((precision) =>
      [1, 2].map((seed) => ({ ...setting, ...precision, seed }) as Partial<RunSpec>)
    )
  );
  return recordRuns(specs.map((spec, i) => {
    const losses = [3, 2 + i / 100, 2 - i / 200];
    return { spec, losses, evals: [{ step: 3, loss: losses[2]! }] };
  }));
}

interface Meta {
  run?: string;
  points?: string[];
  mean?: string;
  members?: { run: string; x?: string }[];
}

const metasOf = ({ data }: Figure): Meta[] =>
  data.flatMap(({ meta }) => meta === undefined ? [] : [meta as Meta]);

Deno.test("reports group runs as comparisons do, for all settings and precisions", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(setting, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) }),
      fc.uniqueArray(precision, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) }),
      async (settings, precisions) => {
        const runs = record(settings, precisions), compared = compareGroups(runs);
        assertEquals(compared.length, settings.length * precisions.length);
        const names = new Set(compared.map(({ setting }) => setting));
        assertEquals(names.size, settings.length);

        // One mean curve per comparison, of its pairs.
        const key = (setting: string, precision: string, ids: readonly string[]) =>
          JSON.stringify([setting, precision, ids.toSorted()]);
        const wanted = compared.map(({ setting, comparison, pairs }) =>
          key(setting, comparison.precision.other, pairs.map(({ other }) => other.manifest.runId))
        );
        const drawn = gapFigures(runs).flatMap((figure) =>
          metasOf(figure).filter(({ members }) => members !== undefined)
            .map(({ mean, members }) =>
              key(figure.title.slice("Gap: ".length), mean!, members!.map(({ run }) => run))
            )
        );
        assertEquals(drawn.sort(), wanted.sort());

        // One figure of losses per setting, with both precisions of its pairs.
        const figures = lossFigures(runs).map((figure) =>
          [...new Set(metasOf(figure).map(({ run }) => run!))].sort().join()
        );
        const pairsOf = [...Map.groupBy(compared, ({ setting }) => setting).values()].map((own) => {
          const pairs = own.flatMap(({ pairs }) => pairs).flatMap(({ baseline, other }) => [baseline, other]);
          return [...new Set(pairs.map(({ manifest }) => manifest.runId))].sort().join();
        });
        assertEquals(figures.sort(), pairsOf.sort());

        // Means by axis are of one precision, and of one value of the axis.
        const specs = new Map(runs.map(({ manifest }) => [manifest.runId, manifest.spec]));
        const varying = new Map<string, (spec: RunSpec) => unknown>([
          ["Gap by text", ({ data }) => data],
          ["Gap by vocabulary", ({ tokenizer }) => tokenizer],
          ["Gap by sequence length", ({ T }) => T],
          ["Gap by lr", ({ lr }) => lr],
          ["Gap by threads", ({ threads }) => threads],
        ]);
        for (const figure of gapByAxisFigures(runs)) {
          const means = metasOf(figure).filter(({ mean }) => mean !== undefined);
          assertEquals(means.length, precisions.length);
          const valueOf = varying.get(figure.title);
          for (const { members = [] } of means) {
            assertEquals(new Set(members.map(({ run }) => precisionName(specs.get(run)!))).size, 1);
            for (const own of Map.groupBy(members, ({ x }) => x).values()) {
              assertEquals(new Set(own.map(({ run }) => valueOf?.(specs.get(run)!))).size, 1);
            }
          }
        }

        // The page's filters and the table's rows tell all values apart.
        const data = JSON.parse(
          embedded(await renderReport({ title: "a", runs, reproduce: [] }), "data"),
        ) as PageData;
        for (const { key, values } of data.facets) {
          assertEquals(new Set(values.map(({ text }) => text)).size, values.length, key);
        }
        const precisionOf = data.facets.find(({ key }) => key === "precision")!;
        for (const { manifest: { runId, spec } } of runs) {
          const [index] = data.runs[runId]!.facets["precision"]!;
          assertEquals(precisionOf.values[index!]!.value, precisionName(spec));
        }
        assertEquals(runTable(runs).numRows(), runs.length);
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("a joint report counts each run once: folders with several paths, and copied runs", async () => {
  const root = await Deno.makeTempDir();
  try {
    const [a, b] = [join(root, "a"), join(root, "b")] as const;
    for (const seed of [1, 2]) {
      for (const policy of ["float32", "bf16-autocast"]) {
        const last = policy === "float32" ? 1 : 1 + seed / 100;
        const run = { losses: [3, 2, last], evals: [{ step: 3, loss: last }], spec: { policy, seed } };
        writeSyntheticRun(a, run);
        if (seed === 1) writeSyntheticRun(b, run);
      }
    }
    const notes: string[] = [], out = join(root, "joint.html");
    const { text } = await report([a], { out });
    const joint = await report([a, `${a}/.`, b], { out, print: (line) => notes.push(line) });
    assertEquals(joint.text, text);
    const note = notes.find((line) => line.startsWith("note:"));
    assert(
      note?.startsWith(`note: ${b}: 2 of 2 runs are copies and count once, such as that of ${a}/runs/`),
      note,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("comparisons, summaries, grids and figures count a run that is given twice once", () => {
  const settings = ["bpe:300", "bpe:400"].flatMap((tokenizer) => [64, 128].map((T) => ({ tokenizer, T })));
  const runs = record(settings, [{ policy: "bf16-autocast" }, { policy: "fp16" }]);
  const copies = record(settings, [{ policy: "bf16-autocast" }, { policy: "fp16" }]);
  const results = (runs: readonly RecordedRun[]) => {
    const { text, grids, sentence, table, figures } = compare(runs);
    return {
      compared: { text, grids, sentence, table: table().objects(), figures: figures() },
      summary: summarize(runs).text,
      grids: gapGrids(runs),
      losses: lossFigures(runs),
      sections: reportFigures(runs),
    };
  };
  const once = results(runs);
  assert(once.grids.length > 0);
  for (const twice of [[...runs, ...runs], [...runs, ...copies]]) assertEquals(results(twice), once);
});

Deno.test("report() checks the path of its page before it prints tables", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    writeSyntheticRun(dir, { losses: [3, 2] });
    const lines: string[] = [], print = (line: string) => lines.push(line);
    await assertRejects(
      () => report(dir, { out: dir, print }),
      UserError,
      "expected a path for a file, got a folder",
    );
    Deno.mkdirSync(join(dir, "report.html"));
    await assertRejects(() => report(dir, { print }), UserError, "expected a path for a file, got a folder");
    assertEquals(lines, []);
    assert(!exists(join(dir, "table.parquet")));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
