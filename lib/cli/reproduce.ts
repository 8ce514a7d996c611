/** `deno task reproduce RUN`: reruns a run from its manifest. */
import { EXIT } from "../error/user_error.ts";
import { reproduceRun, watchSignals } from "../sweep/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command("reproduce", "Runs a finished run again and says whether it comes out the same.")
  .argument("<run>", "a run's folder, such as experiments/out/default/runs/ID")
  .action(async (folder: string) => {
    using interruption = watchSignals();
    const { identical, difference, changes } = await reproduceRun(folder, {
      signal: interruption.requested,
      print: (line) => console.error(line),
    });
    for (const change of changes) console.log(`changed: ${change}`);
    if (identical) return console.log("identical");
    Deno.exitCode = EXIT.diverged;
    if (difference === undefined) {
      return console.log("diverged: journals are equal, but the final weights are not");
    }
    const { step, field, a, b } = difference;
    console.log(`diverged at step ${step}: ${field} was ${a}, is ${b}`);
  });

if (import.meta.main) await runCommand(program, Deno.args);
