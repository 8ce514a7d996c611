/**
 * `noteRun()`: reads and changes the note and the tags of a recorded run.
 *
 * @module
 */
import { readRun, type RunNote, runPaths, writeNote } from "../record/mod.ts";

/** Changes of a note. */
export interface NoteChange {
  /** New text of the note. An empty text removes the note. Default: the text is not changed. */
  readonly text?: string | undefined;
  /** Tags to add. Default: none. */
  readonly tags?: readonly string[] | undefined;
  /** Tags to remove. Default: none. */
  readonly without?: readonly string[] | undefined;
}

/**
 * Changes the note and the tags of a run, and returns the result. Without changes, returns the current note and tags.
 * Reports show the notes, and can be filtered by tag.
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
