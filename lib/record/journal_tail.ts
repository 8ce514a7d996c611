/**
 * Reads the last step of an active journal without reading the whole file.
 *
 * @module
 */
import type { StepEvent } from "./event.ts";
import { hasChecksum, parseEvent } from "./event_line.ts";

/** Bytes read first from the end, enough for a step without probes. Doubled until a step is found. */
const TAIL = 4096;

/** Returns the last recorded step of a journal. Returns undefined if the journal has no step or is unreadable. */
export function lastStep(path: string): StepEvent | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch {
    return undefined;
  }
  try {
    const { size } = file.statSync();
    for (let length = TAIL;; length *= 2) {
      const begin = Math.max(0, size - length);
      const found = lastStepOf(readFrom(file, begin));
      if (found !== undefined || begin === 0) return found;
    }
  } catch {
    return undefined; // the file was truncated during the read
  } finally {
    file.close();
  }
}

function readFrom(file: Deno.FsFile, begin: number): string {
  file.seekSync(begin, Deno.SeekMode.Start);
  const bytes = new Uint8Array(file.statSync().size - begin);
  let filled = 0;
  while (filled < bytes.length) {
    const read = file.readSync(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return new TextDecoder().decode(bytes.subarray(0, filled));
}

function lastStepOf(text: string): StepEvent | undefined {
  const lines = text.split("\n").reverse(), isSealed = lines.some(hasChecksum);
  for (const line of lines) {
    if (!line.startsWith('{"event":"step"')) continue;
    if (isSealed && !hasChecksum(line)) continue; // damaged: only version 0.1 wrote no checksums
    const parsed = parseEvent(line);
    if ("event" in parsed && parsed.event.event === "step") return parsed.event;
  }
  return undefined;
}
