/**
 * Notes and tags of runs: `note.json` in a run's folder. The run's ID and results do not depend on them.
 *
 * @module
 */
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { exists } from "../file/exists.ts";
import { sealJson } from "../file/sealed_json.ts";
import { readJson } from "./manifest.ts";

/** Note and tags of a run. */
export interface RunNote {
  /** Text of the note. Empty without a note. */
  readonly text: string;
  /** Tags in alphabetical order. */
  readonly tags: readonly string[];
}

/** Maximum length of a note, and of a tag, in characters. */
const LONGEST_NOTE = 2000, LONGEST_TAG = 40;

const tag = v.pipe(v.string(), v.regex(new RegExp(`^[^\\s,]{1,${LONGEST_TAG}}$`, "u")));
// Strict: a damaged name of the checksum must not make the note one without a checksum.
const schema = v.strictObject({
  format: v.literal("losskit-note/1"),
  text: v.pipe(v.string(), v.maxLength(LONGEST_NOTE)),
  tags: v.array(tag),
});

/**
 * Reads a note. Returns undefined if the file is missing.
 *
 * @param path The file.
 * @throws {UserError} If the file is invalid.
 */
export function readNote(path: string): RunNote | undefined {
  if (!exists(path)) return undefined;
  const { text, tags } = readJson(path, schema, "a run's note");
  return { text, tags };
}

/**
 * Writes a note atomically.
 *
 * @throws {UserError} If the text or a tag is too long, or a tag contains spaces or commas.
 */
export function writeNote(path: string, { text, tags }: RunNote): void {
  if (text.length > LONGEST_NOTE) {
    throw new UserError(
      `Cannot note: expected at most ${LONGEST_NOTE} characters of text, got ${text.length}. Shorten the note.`,
    );
  }
  const wrong = tags.find((one) => !v.is(tag, one));
  if (wrong !== undefined) {
    throw new UserError(
      `Cannot tag: expected 1 to ${LONGEST_TAG} characters without spaces and commas, got ${
        JSON.stringify(wrong)
      }. ` +
        "Separate tags by commas.",
    );
  }
  const note = { format: "losskit-note/1", text, tags: [...new Set(tags)].sort() };
  atomicWrite(path, sealJson(note));
}
