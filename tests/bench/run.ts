/**
 * `deno task bench`: measures training steps on this machine, and compares them with PyTorch and JAX if installed. Each
 * measurement runs in a separate process. Libraries alternate in rounds.
 */
import { UserError } from "../../lib/error/user_error.ts";
import { command, list, runCommand } from "../../lib/cli/command.ts";
import { numberOption } from "../../lib/cli/numbers.ts";
import { encodeSafetensors, initialParameters } from "../../lib/model/mod.ts";
import { runScript } from "./child.ts";
import type { EagerCost } from "./eager_ops.ts";
import type { Peak } from "./peak.ts";
import { findPeers, installPeers, LOSS_BOUNDS, runPeer } from "./peers.ts";
import { namedShapes, type Shape, SHAPES } from "./shapes.ts";
import { type Line, type RunLine, tableOf } from "./table.ts";
import { type BenchConfig, type BenchResult, isFirstLoss, modelOf, WEIGHT_SEED } from "./train_steps.ts";

const program = command(
  "bench",
  "Measure training steps on this machine, and compare them with PyTorch and JAX if installed.",
)
  .option("--shapes <names>", `shapes: ${Object.keys(SHAPES).join(", ")}`, Object.keys(SHAPES).join(","))
  .option("--n-layer <L>", "custom shape: number of blocks", numberOption("--n-layer"))
  .option("--n-head <H>", "custom shape: number of attention heads", numberOption("--n-head"))
  .option("--n-embd <C>", "custom shape: width C", numberOption("--n-embd"))
  .option("--vocab <V>", "custom shape: vocabulary size V", numberOption("--vocab"))
  .option("--seq <T>", "custom shape: sequence length T in tokens", numberOption("--seq"))
  .option("--batch <B>", "custom shape: sequences per batch", numberOption("--batch"))
  .option("--steps <n>", "timed steps per round", numberOption("--steps"), 20)
  .option("--warmup <n>", "warm-up steps per round, not timed", numberOption("--warmup"), 3)
  .option("--precision <policy>", "float32 or bf16-autocast (default: both)")
  .option("--threads <n>", "number of threads", numberOption("--threads"), navigator.hardwareConcurrency)
  .option("--rounds <n>", "number of rounds", numberOption("--rounds"), 3)
  .option(
    "--peers <names>",
    "peers to compare with: torch, torch.compile, torch.compile.max-autotune, jax, or none (default: all installed)",
  )
  .option("--python <path>", "Python interpreter with the peers (default: the one of --install-peers)")
  .option("--install-peers", "first install PyTorch and JAX in a separate environment (several GB)")
  .option("--json", "print JSON lines instead of the table")
  .option("--table <file>", "print the table of a file of JSON lines, without measuring")
  .action(bench);

interface Options extends Partial<Record<string, unknown>> {
  shapes: string;
  steps: number;
  warmup: number;
  threads: number;
  rounds: number;
  precision?: string;
  peers?: string;
  python?: string;
  installPeers?: boolean;
  json?: boolean;
  table?: string;
}

/** Returns the shapes to measure with their names: those of `--shapes`, or the custom shape. */
function shapesOf(options: Options): [string, Shape][] {
  const flags = {
    n_layer: options["nLayer"],
    n_head: options["nHead"],
    n_embd: options["nEmbd"],
    vocab: options["vocab"],
    seq: options["seq"],
    batch: options["batch"],
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  if (given.length > 0) {
    const shape: Shape = { ...SHAPES.small, ...Object.fromEntries(given) };
    const { n_layer, n_head, n_embd, vocab, seq, batch } = shape;
    return [[[n_layer, n_head, n_embd, vocab, seq, batch].join(","), shape]];
  }
  return namedShapes(options.shapes);
}

function precisionsOf({ precision }: Options): BenchConfig["precision"][] {
  const known = ["float32", "bf16-autocast"] as const;
  if (precision === undefined) return [...known];
  const found = known.find((name) => name === precision);
  if (found !== undefined) return [found];
  throw new UserError(`Cannot use --precision: expected one of ${known.join(", ")}, got ${precision}.`);
}

async function bench(options: Options): Promise<void> {
  if (options.table !== undefined) return console.log(tableOf(await readLines(options.table)));
  const shapes = shapesOf(options), precisions = precisionsOf(options);
  const { steps, warmup, threads, rounds } = options;
  const python = options.installPeers ? await installPeers() : options.python;
  const installed = options.peers === "none" ? undefined : await findPeers(python);
  const wanted = options.peers === undefined ? undefined : list(options.peers);
  const peers = installed?.peers.filter(({ name }) => wanted?.includes(name) ?? true) ?? [];
  if (peers.length === 0) {
    console.error("no peers: measuring losskit only (install peers with --install-peers)");
  }
  const lines: Line[] = [];
  const note = (line: Line) => {
    lines.push(line);
    if (options.json) console.log(JSON.stringify(line));
  };
  const scratch = await Deno.makeTempDir({ prefix: "losskit-bench-" });
  try {
    for (let round = 0; round < rounds; round++) {
      note((await runScript<Peak>("peak.ts", { argument: threads })).result);
      for (const [name, shape] of shapes) {
        const weights = `${scratch}/${name}.safetensors`;
        if (round === 0 && peers.length > 0) await writeWeights(weights, shape);
        for (const precision of precisions) {
          const config: BenchConfig = { ...shape, steps, warmup, precision, threads };
          const ours = await runOurs(name, config);
          note(ours);
          for (const peer of peers) {
            const run = await runPeer(peer, { python: installed!.python, config, weights });
            checkLosses(ours, run);
            note({ ...run, shape: name });
          }
        }
      }
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  if (options.json) return;
  console.log(tableOf(lines));
  const eager = (await runScript<EagerCost>("eager_ops.ts")).result;
  console.log(
    `An eager op takes ${eager.binding_us.toFixed(1)} µs through the binding and ${
      eager.tfjs_us.toFixed(1)
    } µs through TF.js; a call of a compiled function ${eager.compiled_us.toFixed(1)} µs.`,
  );
}

async function runOurs(shape: string, config: BenchConfig): Promise<RunLine> {
  const { result, awaitedMs } = await runScript<BenchResult>("train_steps.ts", {
    argument: config,
    await: isFirstLoss,
  });
  return { ...result, shape, start_to_first_loss_ms: awaitedMs };
}

async function writeWeights(path: string, shape: Shape): Promise<void> {
  const tensors = initialParameters(modelOf(shape), WEIGHT_SEED);
  await Deno.writeFile(path, encodeSafetensors({ tensors, metadata: {} }));
}

/** Throws an error if a peer's losses differ from ours by more than {@linkcode LOSS_BOUNDS}. */
function checkLosses(ours: BenchResult, peer: BenchResult): void {
  const bound = LOSS_BOUNDS[ours.precision]!;
  for (const key of ["first_loss", "third_loss"] as const) {
    if (Math.abs(ours[key] - peer[key]) <= bound) continue;
    throw new Error(
      `Cannot compare: expected a ${key.replace("_", " ")} of ${
        ours[key]
      } ± ${bound} from ${peer.library} ${peer.mode} in ${ours.precision}, got ${peer[key]}.`,
    );
  }
}

async function readLines(file: string): Promise<Line[]> {
  try {
    return (await Deno.readTextFile(file)).split("\n").filter((text) => text.startsWith("{")).map((text) =>
      JSON.parse(text)
    );
  } catch (cause) {
    throw new UserError(`Cannot read ${file}: expected the output of \`deno task bench --json\`.`, { cause });
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
