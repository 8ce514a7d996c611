/**
 * `noteRun()`: reads and changes the note and the tags of a recorded run.
 *
 * @module
 */
import { readRun, type RunNote, runPaths, writeNote } from "../record/mod.ts";

/** Changes of a note. */
export interface NoteChange {
  /** New text, which replaces the old one. Empty: removes it. Default: keeps it. */
  readonly text?: string | undefined;
  /** Tags to add. Default: none. */
  readonly tags?: readonly string[] | undefined;
  /** Tags to remove. Default: none. */
  readonly without?: readonly string[] | undefined;
}

/**
 * Changes the note and the tags of a run, and returns them. Without changes, only returns them. Reports show notes and filter
 * by tags.
 *
 * @param folder The run's folder.
 * @throws {UserError} If the run is unreadable, or a tag contains spaces or commas.
 */
export function noteRun(folder: string, change: NoteChange = {}): RunNote {
  const { note = { text: "", tags: [] } } = readRun(folder);
  const { text = note.text, tags = [], without = [] } = change;
  if (Object.values(change).every((value) => value === undefined)) return note;
  writeNote(runPaths(folder).note, {
    text,
    tags: [...note.tags, ...tags].filter((tag) => !without.includes(tag)),
  });
  return readRun(folder).note!;
}
