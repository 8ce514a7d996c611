/**
 * All commands, grouped by purpose, with the permissions that are revoked. The descriptions are those of the tasks in
 * `deno.json`.
 *
 * @module
 */
import type { Command } from "commander";
import manifest from "../../deno.json" with { type: "json" };

/** A command of `losskit`. */
export interface CommandEntry {
  /** Name of the command, and of its task. */
  readonly name: string;
  /** Returns the command. Its module is loaded on the first call. */
  readonly load: () => Promise<{ readonly program: Command }>;
  /**
   * Permissions that are revoked before the command starts, because the command reads records of other users. Default:
   * none.
   */
  readonly without?: readonly ("run" | "ffi" | "net")[];
}

/** Version of losskit. */
export const VERSION: string = manifest.version;

/** Commands by group, in the order of the help text. */
export const COMMANDS: Readonly<Record<string, readonly CommandEntry[]>> = {
  "Train and use models:": [
    { name: "train", load: () => import("./train.ts") },
    { name: "evaluate", load: () => import("./evaluate.ts") },
    { name: "generate", load: () => import("./generate.ts") },
    { name: "save-gpt2", load: () => import("./save_gpt2.ts") },
  ],
  "Sweep and compare precisions:": [
    { name: "plan", load: () => import("./plan.ts"), without: ["ffi", "net"] },
    { name: "sweep", load: () => import("./sweep.ts") },
    { name: "compare", load: () => import("./compare.ts"), without: ["net"] },
    { name: "report", load: () => import("./report.ts"), without: ["run", "ffi"] },
    { name: "note", load: () => import("./note.ts"), without: ["run", "ffi", "net"] },
    { name: "experiment", load: () => import("./experiment.ts") },
  ],
  "Check that runs are reproducible:": [
    { name: "explain", load: () => import("./explain.ts"), without: ["ffi", "net"] },
    { name: "reproduce", load: () => import("./reproduce.ts") },
    { name: "verify-resume", load: () => import("./verify_resume.ts") },
  ],
  "Use results elsewhere:": [
    { name: "export", load: () => import("./export.ts"), without: ["run", "ffi", "net"] },
    { name: "merge", load: () => import("./merge.ts"), without: ["run", "ffi", "net"] },
  ],
  "Work on a cluster:": [
    { name: "cluster", load: () => import("./cluster.ts") },
    { name: "run", load: () => import("./run.ts") },
  ],
  "Work in notebooks:": [
    { name: "jupyter", load: () => import("./jupyter.ts") },
    { name: "notebooks", load: () => import("./notebooks.ts") },
  ],
  "Set up:": [
    { name: "setup", load: loadSetup },
    { name: "completions", load: loadCompletions },
  ],
};

/** All commands, in the order of the help text. */
export const ENTRIES: readonly CommandEntry[] = Object.values(COMMANDS).flat();

/** Returns the command `setup`, which also downloads the packages of the other commands. */
export async function loadSetup(): Promise<{ program: Command }> {
  const { setupOf } = await import("./_setup.ts");
  const others = ENTRIES.filter(({ name }) => name !== "setup");
  const loadOthers = async () => {
    for (const { load } of others) await load();
  };
  return { program: setupOf(loadOthers) };
}

async function loadCompletions(): Promise<{ program: Command }> {
  const { completionsOf } = await import("./completions.ts");
  return { program: completionsOf(ENTRIES.map((entry) => ({ ...entry, about: descriptionOf(entry.name) }))) };
}

/** Returns the description of a command in one line. */
export function descriptionOf(name: string): string {
  if (name === "completions") return "print a script that completes commands in bash, zsh or fish";
  const { tasks } = manifest as { tasks: Readonly<Record<string, { readonly description: string }>> };
  return tasks[name]!.description;
}
