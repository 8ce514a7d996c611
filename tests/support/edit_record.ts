/**
 * Changes records, as a user who forges results.
 *
 * @module
 */

/** Removes the checksums of a journal or a JSON file. The result has the format of version 0.1. */
export function withoutChecksums(text: string): string {
  return text.replaceAll(/,"crc":"[0-9a-f]{8}"(?=\}\n)/g, "").replace(/,\s*"checksum":\s*"[0-9a-f]{64}"/, "");
}

/** Changes a record's text, without its checksums. Returns the text before. */
export function editRecord(path: string, change: (text: string) => string): string {
  const text = withoutChecksums(Deno.readTextFileSync(path));
  Deno.writeTextFileSync(path, change(text));
  return text;
}
