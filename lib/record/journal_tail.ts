/**
 * The last step of a journal that is being written, without reading the whole of it.
 *
 * @module
 */
import { parseEvent, type StepEvent } from "./event.ts";

/** Bytes from the end that surely hold a step's line, probes aside; twice as many are looked at until one is found. */
const TAIL = 4096;

/** The step that was written last; undefined: none yet, or none that can be read. */
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
    return undefined; // it was cut short just now
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
  for (const line of text.split("\n").reverse()) {
    if (!line.startsWith('{"event":"step"')) continue;
    const parsed = parseEvent(line);
    if ("event" in parsed && parsed.event.event === "step") return parsed.event;
  }
  return undefined;
}
