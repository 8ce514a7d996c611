/** `deno task merge DIR...`: collects runs from several folders into one folder. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { EXIT } from "../error/user_error.ts";
import { describe, type MergedRun, mergeSweeps, type PlannedRun } from "../sweep/mod.ts";
import { command, runCommand, STATUS } from "./command.ts";

export const program: Command = command(
  "merge",
  "Copy the runs of several sweep folders into one, and report missing and conflicting runs.",
  {
    0: "done; runs of the plan can be missing",
    ...STATUS.badInput,
    3: "a run was not copied, because it is in conflict, damaged or in use, or the disk is full",
    ...STATUS.stopped,
  },
)
  .argument(
    "<folders...>",
    "folders of sweeps; runs are copied to the first folder, or to --out",
  )
  .option("--out <folder>", "folder to copy the runs to; created if missing")
  .action(async (folders: string[], { out }: { out?: string }) => {
    const into = out ?? folders[0]!;
    const { runs, holes, plan, sources } = await mergeSweeps(into, folders);
    const planned = new Map((plan?.runs ?? []).map((run) => [run.id, run]));
    for (const dir of sources) {
      const of = (outcome: MergedRun["outcome"]) =>
        runs.filter((run) => run.from === dir && run.outcome === outcome).length;
      const taken = of("taken");
      console.log(
        `${printable(dir)}: ${taken} run${taken === 1 ? "" : "s"} copied, ${of("kept")} already in ${
          printable(into)
        }`,
      );
    }
    for (const run of runs) {
      const what = `run ${named(run.id, planned.get(run.id))}`;
      if (run.outcome === "conflict") {
        const { step, field, a, b } = run.difference;
        const where = step === undefined ? "" : ` at step ${step}`;
        console.log(
          `conflict: ${printable(what)}: ${field}${where} is ${printable(String(a))} in ${printable(into)}, ${
            printable(String(b))
          } in ${printable(run.from)}; not copied`,
        );
        for (const change of run.environment) {
          console.log(`  environments differ: ${printable(change)}`);
        }
      } else if (run.outcome === "damaged" || run.outcome === "busy") {
        console.log(`${run.outcome}: ${printable(what)}: ${printable(run.reason)}`);
      }
    }
    for (const { run, steps, failed } of holes) {
      const state = steps === 0 && !failed ? "no steps" : `${steps} of ${run.spec.steps} steps`;
      console.log(`missing: run ${named(run.id, run)}: ${state}${failed ? ", failed" : ""}`);
    }
    if (plan === undefined) console.log(`no plan.json: missing runs are unknown`);
    else {console.log(
        `${plan.runs.length - holes.length} of ${plan.runs.length} runs are finished in ${printable(into)}`,
      );}
    if (runs.some(({ outcome }) => outcome !== "taken" && outcome !== "kept")) {
      Deno.exitCode = EXIT.someFailed;
    }
  });

function named(id: string, run: PlannedRun | undefined): string {
  return run === undefined ? id : `${id} (${describe(run.spec)})`;
}

if (import.meta.main) await runCommand(program, Deno.args);
