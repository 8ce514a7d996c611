/** `deno task verify-resume SPEC`: kills a sweep at random times, and checks that it ends with the same results. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT } from "../error/user_error.ts";
import { verifyResume } from "../study/mod.ts";
import { command, runCommand, STATUS } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { readSpec } from "./spec_file.ts";

interface Options {
  kills: number;
  seed: number;
  workers?: number;
  out?: string;
}

export const program: Command = command(
  "verify-resume",
  "Check that killed and resumed runs give the same results, bit for bit: run a spec once uninterrupted, and again with SIGKILL at random times.",
  {
    0: "all results are identical",
    ...STATUS.badInput,
    3: "some runs failed without a kill, or no killed run resumed from a checkpoint",
    4: "results differ, or a run diverged and allowDivergence is false",
    ...STATUS.stopped,
  },
)
  .argument("<spec>", "a spec of a small sweep: .json, or .ts with a default export")
  .option("--kills <n>", "number of kills; each kills one run or the whole sweep", numberOption("--kills"), 5)
  .option(
    "--seed <n>",
    "random seed that determines which processes are killed, and when",
    numberOption("--seed"),
    1,
  )
  .option(
    "--workers <n>",
    "number of concurrent runs (default: from cores and memory)",
    numberOption("--workers"),
  )
  .option(
    "--out <folder>",
    "folder that keeps the sweeps; must be empty or missing (default: a temporary folder)",
  )
  .action(verify);

async function verify(path: string, { out, ...options }: Options): Promise<void> {
  const spec = await readSpec(path);
  using interruption = watchSignals();
  const { problems, sentence, resumed } = await verifyResume(spec, {
    ...options,
    ...{ dir: out, source: path, signal: interruption.requested },
  });
  for (const problem of problems) console.log(printable(problem));
  console.log(printable(sentence));
  if (problems.length > 0) Deno.exitCode = EXIT.diverged;
  else if (resumed === 0) Deno.exitCode = EXIT.someFailed;
}

if (import.meta.main) await runCommand(program, Deno.args);
