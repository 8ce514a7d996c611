/** `deno task explain RUN`: explains why a run is new, resumed or done. */
import { probeEnvironment } from "../run/mod.ts";
import { explainRun } from "../proof/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command(
  "explain",
  "Explain whether a run is done, resumable or new, and which field of its spec, data, code or environment differs from the nearest run.",
)
  .argument("<run>", "a run's folder, such as experiments/out/default/runs/ID; planned runs are allowed")
  .option("--against <folders...>", "folders of other sweeps to search for the most similar run")
  .action(async (folder: string, { against = [] }: { against?: string[] }) => {
    const { lines } = await explainRun(folder, { environment: probeEnvironment, others: against });
    for (const line of lines) console.log(line);
  });

if (import.meta.main) await runCommand(program, Deno.args);
