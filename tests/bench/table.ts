/**
 * Summarizes benchmark lines: medians over rounds, ratios, and model FLOPs utilization (MFU).
 *
 * @module
 */
import { flopsPerToken } from "../../lib/model/mod.ts";
import { median } from "./measure.ts";
import type { Peak } from "./peak.ts";
import { type BenchConfig, type BenchResult, modelOf } from "./train_steps.ts";

/** Output line of one run. */
export interface RunLine extends BenchResult {
  /** Name of the shape. */
  shape: string;
  /** Time from process start to the first loss in milliseconds; losskit only. */
  start_to_first_loss_ms?: number;
}

/** Output line of the benchmark. */
export type Line = RunLine | Peak;

/** Runs of one shape and precision. */
interface Row {
  shape: string;
  precision: string;
  ours: RunLine[];
  peers: Map<string, RunLine[]>;
}

function rowsOf(lines: readonly Line[]): Row[] {
  const rows = new Map<string, Row>();
  for (const line of lines) {
    if (line.library === "peak") continue;
    const run = line as RunLine;
    const key = `${run.shape} ${run.precision}`;
    const fresh: Row = { shape: run.shape, precision: run.precision, ours: [], peers: new Map() };
    const row = rows.get(key) ?? fresh;
    rows.set(key, row);
    if (run.library === "losskit") row.ours.push(run);
    else {
      const name = `${run.library} ${run.mode}`;
      row.peers.set(name, [...row.peers.get(name) ?? [], run]);
    }
  }
  return [...rows.values()].filter((row) => row.ours.length > 0);
}

const middle = (runs: readonly RunLine[], key: "median_step_ms" | "peak_rss_mb" | "cpu_step_ms") =>
  median(runs.map((run) => run[key]));

/** Returns the fraction of the machine's peak that a step reaches. */
function utilization(config: BenchConfig, { ms, peak }: { ms: number; peak: number }): number {
  return flopsPerToken(modelOf(config), config.seq) * config.seq * config.batch / (ms * 1e6) / peak;
}

/** Formats lines as a Markdown table. */
export function tableOf(lines: readonly Line[]): string {
  const peaks = lines.filter((line): line is Peak => line.library === "peak");
  const best = (key: "float32_gflops" | "bf16_gflops" | "copy_gb_per_s") =>
    Math.max(...peaks.map((peak) => peak[key]));
  const rows = rowsOf(lines);
  const names = [...new Set(rows.flatMap((row) => [...row.peers.keys()]))];
  const head = [
    "shape",
    "precision",
    "losskit ms",
    ...names.map((name) => `${name} ms`),
    "fastest peer / losskit",
  ];
  const more = [
    "MFU",
    "CPU ms",
    "MiB",
    ...names.map((name) => `${name} MiB`),
    "start to first loss ms",
  ];
  const ratios: number[] = [];
  const cells = rows.map((row) => {
    const ms = middle(row.ours, "median_step_ms");
    const peers = names.map((name) => row.peers.get(name) ?? []);
    const times = peers.map((runs) => runs.length === 0 ? Infinity : middle(runs, "median_step_ms"));
    const ratio = Math.min(...times) / ms;
    if (Number.isFinite(ratio)) ratios.push(ratio);
    const peak = best(row.precision === "float32" ? "float32_gflops" : "bf16_gflops");
    const first = row.ours.map((run) => run.start_to_first_loss_ms ?? NaN).filter(Number.isFinite);
    const text = (value: number, digits: number) => Number.isFinite(value) ? value.toFixed(digits) : "-";
    return [
      ...[row.shape, row.precision, text(ms, 1), ...times.map((time) => text(time, 1)), text(ratio, 2)],
      `${text(100 * utilization(row.ours[0]!.config, { ms, peak }), 0)} %`,
      text(middle(row.ours, "cpu_step_ms"), 1),
      text(middle(row.ours, "peak_rss_mb"), 0),
      ...peers.map((runs) => text(runs.length === 0 ? NaN : middle(runs, "peak_rss_mb"), 0)),
      text(first.length === 0 ? NaN : median(first), 0),
    ];
  });
  const columns = [...head, ...more];
  const line = (values: readonly string[]) => `| ${values.join(" | ")} |`;
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  return [
    line(columns),
    line(columns.map((_, i) => i < 2 ? "---" : "---:")),
    ...cells.map(line),
    "",
    ...(peaks.length === 0 ? [] : [
      `Peak: ${best("float32_gflops").toFixed(0)} GFLOP/s in float32, ${
        best("bf16_gflops").toFixed(0)
      } in bfloat16; ` +
      `copies at ${best("copy_gb_per_s").toFixed(0)} GB/s.`,
    ]),
    ...(ratios.length === 0 ? [] : [
      `Geometric mean of the fastest peer's time over losskit's: ${mean.toFixed(2)}; least: ${
        Math.min(...ratios).toFixed(2)
      }.`,
    ]),
  ].join("\n");
}
