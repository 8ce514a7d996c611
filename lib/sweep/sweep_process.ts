/**
 * A sweep in a process of its own, to be killed: `sweep_process.ts DIR WORKERS RETRIES` runs what is left of a folder's
 * plan.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { readPlan } from "./plan.ts";
import { watchSignals } from "../error/signals.ts";
import { runSweep } from "./sweep.ts";

if (import.meta.main) {
  const [dir = "", workers, retries] = Deno.args;
  const plan = readPlan(dir);
  if (plan === undefined) throw new UserError(`Cannot run the plan of ${dir}: it has none`);
  using interruption = watchSignals();
  const outcome = await runSweep(plan, {
    ...{ dir, workers: Number(workers), retries: Number(retries), interruption },
  });
  Deno.exitCode = outcome.exitCode;
}
