/** `deno task plan SPEC`: the runs of a spec with the time and memory that they are expected to take. */
import { printable } from "../error/printable.ts";
import { join } from "node:path";
import { count } from "../analysis/mod.ts";
import { greatest } from "../number/extent.ts";
import { formatBytes, formatDuration } from "../progress/progress.ts";
import type { SweepRecords } from "../record/mod.ts";
import { machineMemory, probeEnvironment, requireMemory, type RunState, stateOf } from "../run/mod.ts";
import {
  describe,
  draftPlan,
  parseSweepSpec,
  type Plan,
  type Prediction,
  predictRuns,
  sweepFolder,
} from "../sweep/mod.ts";
import { command, DEFAULT_FOLDER_HELP, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { openSweep } from "./open_sweep.ts";
import { shareMachine } from "../study/mod.ts";
import { readSpec } from "./spec_file.ts";

const program = command(
  "plan",
  "Prints the runs of a spec with their expected time and memory, and runs none.",
)
  .argument(
    "[spec]",
    "a spec, .json or .ts with a default export; default: the built-in sweep on Shakespeare",
  )
  .option(
    "--out <folder>",
    `the sweep's folder, whose journals tell of times (default: ${DEFAULT_FOLDER_HELP})`,
  )
  .option(
    "--workers <n>",
    "runs at once, which share the cores (default: by cores and memory)",
    numberOption("--workers"),
  )
  .action(plan);

async function plan(path: string | undefined, options: { out?: string; workers?: number }): Promise<void> {
  const spec = parseSweepSpec(path === undefined ? {} : await readSpec(path), path ?? "the built-in spec");
  const draft = await draftPlan(spec);
  const dir = options.out ?? sweepFolder(spec);
  console.error(`folder: ${printable(dir)}`);
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  const made = draft.plan(threads);
  const { runs: recorded, leftOut } = recordedIn(dir);
  const states = await statesOf(made, recorded);
  // A sweep keeps what is damaged as it is, and fails it.
  for (const { id, damaged } of leftOut) {
    if (damaged) states.set(id, { text: "damaged", left: 0, changes: undefined });
  }
  const left = made.runs.filter(({ id }) => states.get(id)?.left !== 0);
  const predictions = (await predictRuns({ ...made, runs: left }, {
    sizesOf: draft.sizesOf,
    recorded,
    print: (line) => console.error(line),
  })).map((one) => ({ ...one, seconds: one.seconds * (states.get(one.run.id)?.left ?? 1) }));
  for (const { run, bytes } of predictions) requireMemory(run.spec, { bytes });
  console.log(tableOf(made, { predictions, states }));
  const finished = made.runs.filter(({ id }) => states.get(id)?.text === "finished").length;
  if (left.length === 0) {
    const done = finished === made.runs.length ? "finished in" : `${finished} of them finished in`;
    console.log(
      `\n${count(made.runs.length, "run")}, ${done} ${printable(dir)} already: nothing is left to run`,
    );
    return;
  }
  const seconds = predictions.reduce((sum, one) => sum + one.seconds, 0);
  const longest = greatest(predictions.map((one) => one.seconds));
  const most = greatest(predictions.map(({ bytes }) => bytes));
  const { total, available } = machineMemory();
  console.log(
    `\n${count(made.runs.length, "run")}${
      finished > 0 ? `, of which ${finished} ${finished === 1 ? "is" : "are"} finished already; the rest` : ""
    }, ${workers} at once with ${threads} thread${threads > 1 ? "s" : ""} each: about ${
      formatDuration(Math.max(longest, seconds / workers))
    } and up to ${formatBytes(most * Math.min(workers, left.length))} of memory ` +
      `(${formatBytes(available)} of ${formatBytes(total)} are free)`,
  );
  const froms = {
    journal: "journals in the folder",
    measured: "steps measured now",
    scaled: "scaled from those",
  };
  const counts = Object.entries(froms).map(([from, text]) =>
    [predictions.filter((one) => one.from === from).length, text] as const
  ).filter(([count]) => count > 0);
  console.log(`times are from: ${counts.map(([count, text]) => `${text} (${count})`).join(", ")}`);
  const changed = [...states.values()].filter(({ changes }) => changes !== undefined);
  if (changed.length > 0) {
    console.log(
      `not counted: ${count(changed.length, "run")} of another environment: ${changed[0]!.changes}; ` +
        "--allow-environment-change would count them",
    );
  }
}

/** What a sweep would do with the plan's runs that have begun, by identity. */
async function statesOf(
  { runs }: Plan,
  recorded: SweepRecords["runs"],
): Promise<Map<string, RunState>> {
  const begun = recorded.filter(({ manifest }) => runs.some(({ id }) => id === manifest.runId));
  if (begun.length === 0) return new Map();
  const environment = await probeEnvironment();
  return new Map(begun.map((run) => [run.manifest.runId, stateOf(run, environment)]));
}

function recordedIn(dir: string): SweepRecords {
  try {
    Deno.statSync(join(dir, "runs"));
  } catch {
    return { runs: [], leftOut: [] };
  }
  return openSweep(dir, (line) => console.error(line));
}

/** A row a run; what all runs have alike is left out, but for what names them, and so is a state that none has. */
function tableOf(
  { runs }: Plan,
  { predictions, states }: { predictions: readonly Prediction[]; states: ReadonlyMap<string, RunState> },
): string {
  const named = ["tokenizer", "T", "policy", "seed", "threads", "data"];
  const fields = Object.keys(runs[0]!.spec).filter((field) =>
    !named.includes(field) && new Set(runs.map(({ spec }) => valueOf(spec, field))).size > 1
  );
  const expected = new Map(predictions.map((one) => [one.run.id, one]));
  const begun = states.size > 0;
  const rows = [
    ["run", "what", ...fields, ...(begun ? ["state"] : []), "time", "memory", "from"],
    ...runs.map((run) => {
      const one = expected.get(run.id);
      return [
        run.id,
        describe(run),
        ...fields.map((field) => valueOf(run.spec, field)),
        ...(begun ? [states.get(run.id)?.text ?? "new"] : []),
        ...(one ? [formatDuration(one.seconds), formatBytes(one.bytes), one.from] : ["–", "–", "–"]),
      ];
    }),
  ];
  const widths = rows[0]!.map((_, i) => greatest(rows.map((row) => row[i]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd()).join("\n");
}

function valueOf(spec: object, field: string): string {
  const value = (spec as Record<string, unknown>)[field];
  return typeof value === "string" ? value : JSON.stringify(value) ?? "none";
}

if (import.meta.main) await runCommand(program, Deno.args);
