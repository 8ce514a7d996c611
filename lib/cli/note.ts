/** `deno task note RUN`: prints and changes the note and the tags of a run. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { noteRun } from "../study/note_run.ts";
import { command, list, runCommand, STATUS } from "./command.ts";

export const program: Command = command(
  "note",
  "Write a note and tags into a run's folder. Reports show the notes, and can be filtered by tag. Without text and flags, print the current note and tags.",
  { ...STATUS.done, ...STATUS.badInput, ...STATUS.stopped },
)
  .argument("<run>", "a run's folder, for example experiments/out/default/runs/ID")
  .argument("[text]", 'text of the note, which replaces the old one; "" removes it')
  .option("--tag <list>", "tags to add")
  .option("--untag <list>", "tags to remove")
  .action((folder: string, text: string | undefined, { tag, untag }: { tag?: string; untag?: string }) => {
    const note = noteRun(folder, {
      text,
      tags: tag === undefined ? undefined : list(tag),
      without: untag === undefined ? undefined : list(untag),
    });
    console.log(`note: ${note.text === "" ? "none" : printable(note.text)}`);
    console.log(`tags: ${note.tags.length === 0 ? "none" : note.tags.map(printable).join(", ")}`);
  });

if (import.meta.main) await runCommand(program, Deno.args);
