/**
 * The process of one run: `worker.ts SWEEP_DIR RUN_ID`. What it prints is the run's log.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { runFolder } from "../record/mod.ts";
import { executeRun } from "./execute.ts";
import { readPlan } from "./plan.ts";
import { watchSignals } from "./signals.ts";

/** Status of a worker whose run failed; the sweep records it and goes on. */
const FAILED = 1;

async function main(dir: string, id: string): Promise<number> {
  const plan = readPlan(dir);
  const run = plan?.runs.find((run) => run.id === id);
  if (plan === undefined || run === undefined) {
    throw new UserError(`Cannot run ${id}: it is not in the plan of ${dir}`);
  }
  using interruption = watchSignals();
  return await executeRun({ spec: run.spec, data: plan.data, libSha256: plan.libSha256 }, {
    folder: runFolder(dir, id),
    signal: interruption.requested,
    print: (line) => console.log(line),
  });
}

if (import.meta.main) {
  const [dir = "", id = ""] = Deno.args;
  try {
    Deno.exitCode = await main(dir, id);
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error);
    Deno.exitCode = error instanceof UserError ? EXIT.badInput : FAILED;
  }
}
