/** `deno task verify-resume SPEC`: kills a sweep at random instants, and says whether it ends the same. */
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { draftPlan, parseSweepSpec } from "../sweep/mod.ts";
import { type Verification, verifyResume } from "../proof/mod.ts";
import { command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { shareMachine } from "../study/mod.ts";
import { readSpec } from "./spec_file.ts";

interface Options {
  kills: number;
  seed: number;
  workers?: number;
  out?: string;
}

const program = command(
  "verify-resume",
  "Runs a spec once undisturbed and then with kills at random instants, and says whether the results are the same, bit for bit.",
)
  .argument("<spec>", "a spec, .json or .ts with a default export; the smaller, the sooner")
  .option("--kills <n>", "kills of workers and of the sweep, by SIGKILL", numberOption("--kills"), 5)
  .option("--seed <n>", "seed of instants and victims", numberOption("--seed"), 1)
  .option(
    "--workers <n>",
    "runs at once, which share the cores (default: by cores and memory)",
    numberOption("--workers"),
  )
  .option("--out <folder>", "where the sweeps go, and stay (default: a temporary folder)")
  .action(verify);

async function verify(path: string, options: Options): Promise<void> {
  const { kills, seed } = options;
  requireDevice();
  const spec = parseSweepSpec(await readSpec(path), path);
  const draft = await draftPlan(spec);
  using interruption = watchSignals();
  const dir = options.out ?? Deno.makeTempDirSync({ prefix: "losskit-verify-" });
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  const plan = draft.plan(threads);
  requireEmpty(dir);
  let result: Verification | undefined;
  try {
    result = await verifyResume(plan, {
      ...{ dir, kills, workers, seed },
      signal: interruption.requested,
      print: (line) => console.error(line),
    });
  } finally {
    // What failed is kept, to be looked at.
    const useless = result === undefined ? interruption.requested.aborted : result.problems.length === 0;
    if (options.out === undefined && useless) await removeFolder(dir);
  }
  if (result.problems.length === 0) {
    return console.log(`identical: ${result.kills} kills in ${result.sweeps} sweeps changed nothing`);
  }
  for (const problem of result.problems) console.log(problem);
  console.log(`different: the folders are kept in ${printable(dir)}`);
  Deno.exitCode = EXIT.diverged;
}

/** Removes a folder into which a worker that was just told to end may still write. */
async function removeFolder(dir: string): Promise<void> {
  try {
    Deno.removeSync(dir, { recursive: true });
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    Deno.removeSync(dir, { recursive: true });
  }
}

function requireEmpty(dir: string): void {
  try {
    Deno.mkdirSync(dir, { recursive: true });
    if ([...Deno.readDirSync(dir)].length === 0) return;
  } catch (cause) {
    throw new UserError(`Cannot verify in ${dir}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  throw new UserError(`Cannot verify in ${dir}: wanted a folder that is empty or not there: it holds files`);
}

if (import.meta.main) await runCommand(program, Deno.args);
