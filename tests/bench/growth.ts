/**
 * `deno task bench:growth`: measures the head with a large vocabulary (also in PyTorch), attention over T, a training step
 * over B, L, T and V, a step relative to its lower bound, and the overhead of a sweep. Each measurement runs in a separate
 * process.
 */
import { fileURLToPath } from "node:url";
import { command, runCommand } from "../../lib/cli/command.ts";
import { numberOption } from "../../lib/cli/numbers.ts";
import { runScript } from "./child.ts";
import type { HeadConfig, HeadResult } from "./head.ts";
import { findPeers } from "./peers.ts";
import type { Peak } from "./peak.ts";
import type { Roofline } from "./roofline.ts";
import type { AttentionCost } from "./scaling.ts";
import { namedShapes, SHAPES } from "./shapes.ts";
import type { BenchConfig, BenchResult } from "./train_steps.ts";

const PARTS = { head, attention, step, limit, sweep } as const;

const program = command("bench:growth", "Measure how time and memory grow with sizes.")
  .argument("[parts...]", `parts: ${Object.keys(PARTS).join(", ")} (default: all)`)
  .option("--shapes <names>", `limit: ${Object.keys(SHAPES).join(", ")}`, "big")
  .option("--threads <n>", "number of threads", numberOption("--threads"), navigator.hardwareConcurrency)
  .option(
    "--python <path>",
    "Python interpreter with PyTorch (default: the one of `deno task bench --install-peers`)",
  )
  .action(async (names: string[], options: Options) => {
    for (const [name, part] of Object.entries(PARTS)) {
      if (names.length === 0 || names.includes(name)) await part(options);
    }
  });

interface Options {
  shapes: string;
  threads: number;
  python?: string;
}

async function head({ threads, python }: Options): Promise<void> {
  const torch = await findPeers(python);
  for (const n of [512, 2048]) {
    for (const precision of ["float32", "bf16-autocast"] as const) {
      const config: HeadConfig = { n, vocab: 50304, n_embd: 128, precision, threads };
      const ours = (await runScript<HeadResult>("head.ts", { argument: config })).result;
      const line = ({ library, loss, peak_mb, median_ms }: HeadResult) =>
        `${library} loss ${loss.toFixed(6)}, ${peak_mb.toFixed(0)} MiB, ${median_ms.toFixed(0)} ms`;
      const peer = torch === undefined ? undefined : await torchHead(torch.python, config);
      console.log(
        `head N ${n} V 50304 ${precision}: ${line(ours)}` + (peer === undefined ? "" : `; ${line(peer)}`),
      );
    }
  }
}

async function torchHead(python: string, config: HeadConfig): Promise<HeadResult> {
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: [
      "-I",
      fileURLToPath(import.meta.resolve("./peers/torch_head.py")),
      ...Object.entries(config).flatMap(([name, value]) => [`--${name.replace("_", "-")}`, String(value)]),
    ],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot measure torch's head:\n${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!);
}

async function attention({ threads }: Options): Promise<void> {
  const { result } = await runScript<AttentionCost[]>("scaling.ts", { argument: threads });
  for (const { T, blocks_ms, full_ms } of result) {
    console.log(
      `attention T ${T}, 4,096 tokens: ${blocks_ms.toFixed(1)} ms in blocks, ${
        full_ms.toFixed(1)
      } ms in full`,
    );
  }
}

async function step({ threads }: Options): Promise<void> {
  const base: BenchConfig = {
    ...{ n_layer: 4, n_head: 4, n_embd: 256, vocab: 256, seq: 256, batch: 8 },
    ...{ steps: 5, warmup: 2, precision: "float32", threads },
  };
  const variants: Partial<BenchConfig>[] = [
    ...[2, 4, 8, 16].map((batch) => ({ batch })),
    ...[1, 2, 8].map((n_layer) => ({ n_layer })),
    ...[[128, 16], [512, 4], [1024, 2]].map(([seq, batch]) => ({ seq: seq!, batch: batch! })),
    ...[4096, 16384, 50304].map((vocab) => ({ vocab })),
  ];
  for (const variant of variants) {
    const config = { ...base, ...variant };
    const { result } = await runScript<BenchResult>("train_steps.ts", { argument: config });
    const { n_layer, batch, seq, vocab } = config;
    console.log(
      `step L ${n_layer} B ${batch} T ${seq} V ${vocab}: ${result.median_step_ms.toFixed(1)} ms, ` +
        `processor ${result.cpu_step_ms.toFixed(1)} ms, peak ${result.peak_rss_mb.toFixed(0)} MiB`,
    );
  }
}

/** Prints the step time of shapes relative to their lower bound. */
async function limit({ shapes, threads }: Options): Promise<void> {
  for (const [name, shape] of namedShapes(shapes)) {
    for (const precision of ["float32", "bf16-autocast"] as const) {
      const config: BenchConfig = { ...shape, ...{ steps: 8, warmup: 2, precision, threads } };
      const { products_ms, gflop, passes_gb } =
        (await runScript<Roofline>("roofline.ts", { argument: config })).result;
      const { result: peak } = await runScript<Peak>("peak.ts", { argument: threads });
      const { median_step_ms } =
        (await runScript<BenchResult>("train_steps.ts", { argument: config })).result;
      const passes = passes_gb / peak.copy_gb_per_s * 1e3, least = products_ms + passes;
      console.log(
        `lower bound of ${name} ${precision}: ${least.toFixed(1)} ms (matrix products ${
          products_ms.toFixed(1)
        } ms for ${gflop.toFixed(1)} GFLOP, memory traffic ${passes.toFixed(1)} ms for ${
          passes_gb.toFixed(3)
        } GB); step ${median_step_ms.toFixed(1)} ms; lower bound / step = ${
          (100 * least / median_step_ms).toFixed(0)
        } %`,
      );
    }
  }
}

/** Prints the overhead of a sweep per run: total time minus training and evaluation. */
async function sweep(_options: Options): Promise<void> {
  const runs = 3, out = await Deno.makeTempDir({ prefix: "losskit-bench-" });
  try {
    const flags = "--seq 64 --amp off --vocab char --seeds 1,2,3 --steps 60 --workers 1".split(" ");
    const begin = performance.now();
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "sweep", ...flags, "--out", `${out}/sweep`],
      cwd: fileURLToPath(import.meta.resolve("../..")),
      stdin: "null",
    }).output();
    const total = (performance.now() - begin) / 1000;
    if (!success) throw new Error(`Cannot measure a sweep:\n${new TextDecoder().decode(stderr)}`);
    let training = 0;
    for (const { name } of Deno.readDirSync(`${out}/sweep/runs`)) {
      const journal = await Deno.readTextFile(`${out}/sweep/runs/${name}/journal.jsonl`);
      for (const line of journal.trimEnd().split("\n")) {
        const event = JSON.parse(line);
        if (event.event === "step") training += 1024 / event.tokensPerSecond;
        if (event.event === "eval") training += event.seconds ?? 0;
      }
    }
    console.log(
      `sweep of ${runs} runs: ${total.toFixed(1)} s, training and evaluation ${training.toFixed(1)} s, ` +
        `overhead ${((total - training) / runs).toFixed(2)} s per run`,
    );
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
