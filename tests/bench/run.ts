/**
 * `deno task bench`: how fast training is on this machine, beside PyTorch and JAX where they are installed. Every figure
 * comes from a process of its own; libraries take turns, in rounds.
 */
import { UserError } from "../../lib/error/user_error.ts";
import { command, list, runCommand } from "../../lib/cli/command.ts";
import { numberOption } from "../../lib/cli/numbers.ts";
import { encodeSafetensors, initialParameters } from "../../lib/model/mod.ts";
import { runScript } from "./child.ts";
import type { EagerCost } from "./eager_ops.ts";
import type { Peak } from "./peak.ts";
import { findPeers, installPeers, runPeer } from "./peers.ts";
import { type Shape, SHAPES } from "./shapes.ts";
import { type Line, type RunLine, tableOf } from "./table.ts";
import { type BenchConfig, type BenchResult, isFirstLoss, modelOf, WEIGHT_SEED } from "./train_steps.ts";

/**
 * How far a peer's losses may be from ours: the first one, and the third, after two updates, in nats. Both sides are
 * rounded: in bfloat16 a logit of about 1 by 2^-8, of which a loss has two; in float32, sums in another order.
 */
const BOUNDS: Readonly<Record<string, number>> = { float32: 1e-4, "bf16-autocast": 4 * 2 ** -8 };

const program = command(
  "bench",
  "Measures training steps on this machine, beside PyTorch and JAX where they are installed.",
)
  .option("--shapes <names>", `which of ${Object.keys(SHAPES).join(", ")}`, Object.keys(SHAPES).join(","))
  .option("--n-layer <L>", "another shape: blocks", numberOption("--n-layer"))
  .option("--n-head <H>", "attention heads", numberOption("--n-head"))
  .option("--n-embd <C>", "width", numberOption("--n-embd"))
  .option("--vocab <V>", "vocabulary size", numberOption("--vocab"))
  .option("--seq <T>", "tokens in a sequence", numberOption("--seq"))
  .option("--batch <B>", "sequences in a batch", numberOption("--batch"))
  .option("--steps <n>", "timed steps of a round", numberOption("--steps"), 20)
  .option("--warmup <n>", "steps before them", numberOption("--warmup"), 3)
  .option("--precision <policy>", "one policy alone (default: float32 and bf16-autocast)")
  .option("--threads <n>", "threads", numberOption("--threads"), navigator.hardwareConcurrency)
  .option("--rounds <n>", "rounds", numberOption("--rounds"), 3)
  .option("--peers <names>", "which peers, of torch, torch.compile, jax; none: our side alone")
  .option("--python <path>", "a Python that has the peers (default: that of --install-peers)")
  .option("--install-peers", "installs PyTorch and JAX into an environment of their own first, several GB")
  .option("--json", "lines of JSON in place of the table")
  .option("--table <file>", "measures nothing: makes the table of a file of such lines")
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

/** The shapes to measure, by name: those that are named, or the one that flags describe. */
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
  return list(options.shapes).map((name) => {
    const shape = (SHAPES as Readonly<Record<string, Shape>>)[name];
    if (shape !== undefined) return [name, shape];
    throw new UserError(
      `Cannot measure: --shapes must be of ${Object.keys(SHAPES).join(", ")}: one is ${name}`,
    );
  });
}

function precisionsOf({ precision }: Options): BenchConfig["precision"][] {
  const known = ["float32", "bf16-autocast"] as const;
  if (precision === undefined) return [...known];
  const found = known.find((name) => name === precision);
  if (found !== undefined) return [found];
  throw new UserError(`Cannot measure: --precision must be one of ${known.join(", ")}: it is ${precision}`);
}

async function bench(options: Options): Promise<void> {
  if (options.table !== undefined) return console.log(tableOf(await readLines(options.table)));
  const shapes = shapesOf(options), precisions = precisionsOf(options);
  const { steps, warmup, threads, rounds } = options;
  const python = options.installPeers ? await installPeers() : options.python;
  const installed = options.peers === "none" ? undefined : await findPeers(python);
  const wanted = options.peers === undefined ? undefined : list(options.peers);
  const peers = installed?.peers.filter(({ name }) => wanted?.includes(name) ?? true) ?? [];
  if (peers.length === 0) console.error("no peers: measuring losskit alone (--install-peers gets them)");
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

/** Libraries that do not compute the same are not compared. */
function checkLosses(ours: BenchResult, peer: BenchResult): void {
  const bound = BOUNDS[ours.precision]!;
  for (const key of ["first_loss", "third_loss"] as const) {
    if (Math.abs(ours[key] - peer[key]) <= bound) continue;
    throw new Error(
      `Cannot compare: the ${
        key.replace("_", " ")
      } of ${peer.library} ${peer.mode} in ${ours.precision} must be ` +
        `losskit's, ${ours[key]}, within ${bound}: it is ${peer[key]}`,
    );
  }
}

async function readLines(file: string): Promise<Line[]> {
  try {
    return (await Deno.readTextFile(file)).split("\n").filter((text) => text.startsWith("{")).map((text) =>
      JSON.parse(text)
    );
  } catch (cause) {
    throw new UserError(`Cannot read ${file}: wanted lines of \`deno task bench --json\``, { cause });
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
