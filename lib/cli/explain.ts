/** `deno task explain RUN`: reports why a run is reusable, resumable or new. */
import type { Command } from "commander";
import { explainNonFinite } from "../run/mod.ts";
import { explainRun } from "../proof/mod.ts";
import { command, printText, runCommand } from "./command.ts";

export const program: Command = command(
  "explain",
  "Report whether a run is reusable, resumable or new. Print the fields of spec, data, code and environment in which the run differs from the most similar other run.",
)
  .argument(
    "<run>",
    "a run's folder, for example experiments/out/default/runs/ID. For a run that has not started, pass the folder that it would have; plan.json lists the IDs",
  )
  .option("--against <folders...>", "folders of other sweeps to search for the most similar run")
  .option(
    "--non-finite",
    "print the op that produced the run's first NaN or infinite number, as recorded in the run's journal or found by repeating the step",
  )
  .action(async (folder: string, { against, nonFinite }: { against?: string[]; nonFinite?: true }) => {
    if (nonFinite) return printText(await explainNonFinite(folder));
    const { lines } = await explainRun(folder, { others: against ?? [] });
    printText(lines.join("\n"));
  });

if (import.meta.main) await runCommand(program, Deno.args);
