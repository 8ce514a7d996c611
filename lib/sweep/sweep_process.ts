/**
 * Executes the unfinished runs of a folder's plan. Tests and `verify-resume` start this program in a process that they
 * kill: `sweep_process.ts DIR WORKERS RETRIES`.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { readPlan } from "./plan_file.ts";
import { watchSignals } from "../error/signals.ts";
import { runSweep } from "./sweep.ts";

if (import.meta.main) {
  const [dir = "", workers, retries] = Deno.args;
  const plan = readPlan(dir);
  if (plan === undefined) {
    throw new UserError(`Cannot run the plan of ${dir}: expected plan.json, got no such file`);
  }
  using interruption = watchSignals();
  const outcome = await runSweep(plan, {
    ...{ dir, workers: Number(workers), retries: Number(retries), interruption },
  });
  Deno.exitCode = outcome.exitCode;
}
