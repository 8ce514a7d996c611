/**
 * `deno task bench:sweep`: measures the wall time of the built-in sweep of 16 runs, and of the same runs in PyTorch eager
 * with the same weights, batches and evaluations, two at a time with one thread each. Both alternate in rounds.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, runCommand } from "../../lib/cli/command.ts";
import { numberOption } from "../../lib/cli/numbers.ts";
import { UserError } from "../../lib/error/user_error.ts";
import { greatest } from "../../lib/number/extent.ts";
import { effectiveEvents, readJournal, runFolder, runPaths } from "../../lib/record/mod.ts";
import { readPlan } from "../../lib/sweep/mod.ts";
import { median } from "./measure.ts";
import { findPeers, LOSS_BOUNDS } from "./peers.ts";
import { writeSweepInputs } from "./sweep_inputs.ts";

/** Losses of a run in PyTorch. */
interface PeerRun {
  id: string;
  losses: number[];
  evaluations: number[];
}

const program = command("bench:sweep", "Measure the built-in sweep of 16 runs, and compare it with PyTorch.")
  .option("--rounds <n>", "number of rounds", numberOption("--rounds"), 3)
  .option("--workers <n>", "runs at the same time, each with one thread", numberOption("--workers"), 2)
  .option(
    "--python <path>",
    "Python interpreter with PyTorch (default: the one of `deno task bench --install-peers`)",
  )
  .action(bench);

async function bench({ rounds, workers, python }: { rounds: number; workers: number; python?: string }) {
  const peers = await findPeers(python);
  if (!peers?.peers.some(({ name }) => name === "torch")) {
    throw new UserError(
      "Cannot compare: expected PyTorch, got none. Run `deno task bench --install-peers` first.",
    );
  }
  const scratch = Deno.makeTempDirSync({ prefix: "losskit-bench-" });
  try {
    const seconds = { losskit: [] as number[], torch: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const dir = join(scratch, `sweep-${round}`), inputs = join(scratch, "inputs");
      seconds.losskit.push(
        (await timed(Deno.execPath(), [
          ...["run", "-A", "--no-check", fileURLToPath(import.meta.resolve("../../lib/cli/sweep.ts"))],
          ...["--floor", "0", "--workers", String(workers), "--out", dir],
        ])).seconds,
      );
      if (round === 0) {
        Deno.mkdirSync(inputs);
        await writeSweepInputs(readPlan(dir)!, inputs);
      }
      const script = fileURLToPath(import.meta.resolve("./peers/torch_sweep.py"));
      const torch = await timed(peers.python, [script, inputs, String(workers)]);
      seconds.torch.push(torch.seconds);
      const found = checkLosses(dir, JSON.parse(torch.output.trimEnd().split("\n").at(-1)!));
      console.log(
        `round ${round + 1}: losskit ${seconds.losskit.at(-1)!.toFixed(1)} s, PyTorch eager ` +
          `${torch.seconds.toFixed(1)} s; largest difference of a loss ${found.toFixed(5)} nats`,
      );
    }
    const [ours, theirs] = [median(seconds.losskit), median(seconds.torch)];
    console.log(
      `median: losskit ${ours.toFixed(1)} s, PyTorch eager ${theirs.toFixed(1)} s; ` +
        `losskit / PyTorch = ${(ours / theirs).toFixed(2)}`,
    );
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
}

/** Runs a program. Returns its output and its wall time from start to end. */
async function timed(program: string, args: string[]): Promise<{ output: string; seconds: number }> {
  const begin = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const seconds = (performance.now() - begin) / 1000;
  if (success) return { output: new TextDecoder().decode(stdout), seconds };
  throw new Error(`Cannot measure ${args.join(" ")}:\n${new TextDecoder().decode(stderr).slice(-2000)}`);
}

/**
 * Compares the losses of all steps and evaluations with a sweep's journals.
 *
 * @returns The largest difference in nats.
 * @throws {Error} If a difference exceeds {@linkcode LOSS_BOUNDS}.
 */
function checkLosses(dir: string, runs: readonly PeerRun[]): number {
  let most = 0;
  const policies = new Map(readPlan(dir)!.runs.map(({ id, spec }) => [id, spec.policy]));
  for (const { id, losses, evaluations } of runs) {
    const { steps, evals } = effectiveEvents(readJournal(runPaths(runFolder(dir, id)).journal).events);
    const ours = [...evals, ...steps].map(({ loss }) => Number(loss));
    const theirs = [...evaluations, ...losses];
    const largest = greatest(ours.map((loss, i) => Math.abs(loss - theirs[i]!)));
    const bound = LOSS_BOUNDS[policies.get(id)!]!;
    if (ours.length !== theirs.length || !(largest <= bound)) {
      throw new Error(
        `Cannot compare: expected ${ours.length} losses of run ${id} within ${bound} nats of losskit's, ` +
          `got ${theirs.length} with a difference of ${largest}.`,
      );
    }
    most = Math.max(most, largest);
  }
  return most;
}

if (import.meta.main) await runCommand(program, Deno.args);
