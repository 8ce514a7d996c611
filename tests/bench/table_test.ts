import { assertEquals, assertStringIncludes } from "@std/assert";
import { benchBatches } from "./batches.ts";
import { median } from "./measure.ts";
import { type RunLine, tableOf } from "./table.ts";

/** A line of a run of the shape that has 1,000 tokens a step. */
function line(given: Partial<RunLine>): RunLine {
  const config = {
    ...{ n_layer: 1, n_head: 1, n_embd: 8, vocab: 10, seq: 10, batch: 100 },
    ...{ steps: 1, warmup: 1, precision: "float32" as const, threads: 2, parameters: 0 },
  };
  return {
    ...{ shape: "tiny", library: "losskit", version: "1", mode: "graph", precision: "float32", config },
    ...{ first_step_ms: 1, median_step_ms: 10, min_step_ms: 9, p90: 11, tokens_per_s: 1e5, cpu_step_ms: 20 },
    ...{ peak_rss_mb: 100, import_ms: 1, first_loss: 2, third_loss: 2, last_loss: 2, native_calls: 1 },
    ...given,
  };
}

Deno.test("tableOf() compares medians over rounds with the fastest peer, and computes MFU with the highest peak", () => {
  const peak = { library: "peak", float32_gflops: 10, bf16_gflops: 20, copy_gb_per_s: 5 } as const;
  const text = tableOf([
    peak,
    { ...peak, float32_gflops: 8 },
    ...[10, 14, 12].map((median_step_ms) => line({ median_step_ms, start_to_first_loss_ms: 700 })),
    ...[30, 24].map((median_step_ms) =>
      line({ library: "torch", mode: "eager", median_step_ms, peak_rss_mb: 200 })
    ),
    line({ library: "jax", mode: "jit", median_step_ms: 48 }),
    line({ precision: "bf16-autocast", median_step_ms: 10 }),
    line({ precision: "bf16-autocast", library: "jax", mode: "jit", median_step_ms: 20 }),
  ]);
  const rows = text.split("\n");
  // 6 (12 C^2 L + V C) + 6 L C T = 6 (768 + 80) + 480 operations per token; 1,000 tokens in 12 ms at 10 GFLOP/s: 4.64 %.
  assertStringIncludes(rows[2]!, "| tiny | float32 | 12.0 | 27.0 | 48.0 | 2.25 | 5 % |");
  assertStringIncludes(rows[3]!, "| tiny | bf16-autocast | 10.0 | - | 20.0 | 2.00 | 3 % |");
  // Columns are in the order of the header.
  const [head, float32] = [rows[0]!, rows[2]!].map((row) => row.split(" | "));
  assertEquals(rows.slice(0, 4).map((row) => row.split("|").length), Array(4).fill(head!.length + 2));
  const at = (column: string) => float32![head!.findIndex((name) => name.includes(column))];
  assertEquals([at("CPU ms"), at("torch eager MiB"), at("start to first")], ["20.0", "200", "700 |"]);
  assertStringIncludes(text, "Peak: 10 GFLOP/s in float32, 20 in bfloat16");
  assertStringIncludes(text, "Geometric mean of the fastest peer's time over losskit's: 2.12; least: 2.00.");
});

Deno.test("tableOf() has no ratio without peers", () => {
  const text = tableOf([line({})]);
  assertStringIncludes(text, "| tiny | float32 | 10.0 | - |");
  assertEquals(text.includes("Geometric"), false);
});

Deno.test("benchBatches() yields the numbers of peers/common.py", () => {
  const { ids, targets } = benchBatches({ vocab: 65, count: 4 }).next().value!;
  // state = 1664525 state + 1013904223 modulo 2^32 from 1337, its upper 24 bits modulo 19
  const want: number[] = [];
  let state = 1337n;
  for (let i = 0; i < 4; i++) {
    state = (state * 1664525n + 1013904223n) % 2n ** 32n;
    want.push(Number((state >> 8n) % 19n));
  }
  assertEquals(Array.from(ids), want);
  assertEquals(Array.from(targets), want.map((id) => (id * 7 + 3) % 65));
  assertEquals(median([3, 1, 2, 10]), 2.5);
});
