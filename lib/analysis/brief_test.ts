import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { widthOf } from "../progress/width.ts";
import { readRuns } from "../record/mod.ts";
import { briefText } from "./brief.ts";
import { summarize } from "./summary.ts";

/** Returns the brief text of synthetic runs. Each has the given final validation loss. */
function briefOf(
  runs: readonly { spec: Parameters<typeof writeSyntheticRun>[1]["spec"]; loss: number }[],
): string {
  const dir = Deno.makeTempDirSync();
  try {
    for (const { spec, loss } of runs) {
      writeSyntheticRun(dir, {
        losses: [4, loss],
        evals: [{ step: 2, loss }],
        ...spec !== undefined && { spec },
      });
    }
    return briefText(summarize(readRuns(dir)));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("briefText() has one line of at most 80 columns per setting, and counts verdicts", () => {
  const text = briefOf(
    [1, 2, 3, 4, 5].flatMap((n) =>
      [1, 2].flatMap((seed) =>
        [["float32", 3], ["bf16-autocast", n === 5 ? 3.5 + seed / 1000 : 3.001 + seed / 1e4]].map((
          [policy, loss],
        ) => ({
          spec: {
            T: 16 * n,
            seed,
            policy: policy as "float32",
            lr: n / 1000,
            tokenizer: `bpe:${"9".repeat(40)}`,
          },
          loss: Number(loss),
        }))
      )
    ),
  );
  const lines = text.split("\n"), rows = lines.filter((line) => line.startsWith("  "));
  assertEquals(rows.length, 5);
  for (const row of rows) assert(widthOf(row) <= 80, row);
  assertEquals(lines[0], "bf16-autocast against float32");
  assertMatch(rows[0]!, /…[ ,T=\d]+, lr = 0\.001 #[0-9a-f]{6} {2}\+0\.00115 ± 0\.00064 {2}stable$/);
  assertStringIncludes(text, "\n\nbf16-autocast: 4 stable, 1 degraded of 5 settings.");
});

Deno.test("briefText() prints the sentence of a single verdict, and a table of runs without pairs", () => {
  const pair = ["float32", "bf16-autocast"].map((policy) => ({
    spec: { policy: policy as "float32" },
    loss: 3,
  }));
  assertStringIncludes(briefOf(pair), "bf16-autocast");
  const alone = briefOf([{ spec: { seed: 1 }, loss: 3 }, { spec: { seed: 2 }, loss: 3.25 }]);
  assertStringIncludes(alone, "3.2500");
  assertStringIncludes(alone, "2 runs in float32, no other precision to compare with.");
});

Deno.test("briefText() shows the fields in which runs without pairs differ, within 80 columns", () => {
  const grid = [1e-4, 3e-4].flatMap((lr) => [1, 2].map((seed) => ({ spec: { lr, seed }, loss: 3 })));
  const [header = "", ...rows] = briefOf(grid).split("\n\n")[0]!.split("\n");
  assertMatch(header, / seed +lr$/);
  assertEquals(
    rows.slice(0, -1).map((row) => row.split(/ +/).slice(-2).join(" ")).sort(),
    ["1 0.0001", "1 0.0003", "2 0.0001", "2 0.0003"],
  );
  assertMatch(rows.at(-1)!, /^in every row: tokenizer character, T 64, policy float32, val loss 3, /);
  const wide = [1, 2, 3].map((n) => ({
    spec: {
      ...{ seed: n, lr: n / 1e4, weightDecay: n / 7, beta1: 0.9 + n / 1e4, beta2: 0.95 + n / 1e5 },
      ...{ nEmbd: 64 * n, nLayer: n, T: 64 * n, tokenizer: `bpe:${512 * n}` },
    },
    loss: 3 + n / 10,
  }));
  const table = briefOf(wide).split("\nin every row")[0]!;
  for (const line of table.split("\n")) assert(widthOf(line) <= 80, line);
  for (const name of ["nEmbd", "nLayer", "lr", "weightDecay", "beta1", "beta2"]) {
    assertMatch(table, new RegExp(`\\b${name}\\b`));
  }
});
