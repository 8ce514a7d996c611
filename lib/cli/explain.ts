/** `deno task explain RUN`: why a run is new, goes on or counts as done. */
import { probeEnvironment } from "../run/mod.ts";
import { explainRun } from "../proof/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command(
  "explain",
  "Says which field of spec, data, code or environment makes a run new, or that it counts as done.",
)
  .argument("<run>", "a run's folder, such as experiments/out/default/runs/ID; it may be only planned")
  .option("--against <folders...>", "other sweeps' folders to look for the nearest run in", [])
  .action(async (folder: string, { against }: { against: string[] }) => {
    const { lines } = await explainRun(folder, { environment: probeEnvironment, others: against });
    for (const line of lines) console.log(line);
  });

if (import.meta.main) await runCommand(program, Deno.args);
