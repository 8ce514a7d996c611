/**
 * Changes records by hand, as someone does who wants other results.
 *
 * @module
 */

/** Removes the checksums of a journal's lines or of a JSON file: the text is one of version 0.1 then. */
export function withoutChecksums(text: string): string {
  return text.replaceAll(/,"crc":"[0-9a-f]{8}"(?=\}\n)/g, "").replace(/,\s*"checksum":\s*"[0-9a-f]{64}"/, "");
}

/** Changes a record's text, without its checksums. Returns the text before. */
export function editRecord(path: string, change: (text: string) => string): string {
  const text = withoutChecksums(Deno.readTextFileSync(path));
  Deno.writeTextFileSync(path, change(text));
  return text;
}
