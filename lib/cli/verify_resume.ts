/** `deno task verify-resume SPEC`: kills a sweep at random instants, and reports whether it ends the same. */
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT } from "../error/user_error.ts";
import { verifyResume } from "../study/mod.ts";
import { command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
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

async function verify(path: string, { out, ...options }: Options): Promise<void> {
  const spec = await readSpec(path);
  using interruption = watchSignals();
  const { problems, sentence } = await verifyResume(spec, {
    ...options,
    ...{ dir: out, source: path, signal: interruption.requested },
  });
  for (const problem of problems) console.log(printable(problem));
  console.log(printable(sentence));
  if (problems.length > 0) Deno.exitCode = EXIT.diverged;
}

if (import.meta.main) await runCommand(program, Deno.args);
