/**
 * Statistics of timings, and memory use of the process.
 *
 * @module
 */
import { peakBytes } from "../../lib/run/peak_memory.ts";

/** Returns the median. For an even number of values: the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Returns the peak resident memory of this process in MiB; 0 if the system does not report it. */
export function peakRss(): number {
  return (peakBytes() ?? 0) / 2 ** 20;
}

/**
 * Returns the anonymous memory in MiB that this process touches while `work` runs. This is an upper bound of the peak, also
 * for libraries that cache and reuse memory. Linux only.
 */
export function memoryTouched(work: () => void): number {
  Deno.writeTextFileSync("/proc/self/clear_refs", "2"); // clears the referenced bits of all pages
  work();
  let kilobytes = 0, anonymous = false;
  for (const line of Deno.readTextFileSync("/proc/self/smaps").split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (\d+)/.exec(line);
    if (mapping !== null) anonymous = mapping[1] === "0";
    else if (anonymous) kilobytes += Number(/^Referenced:\s+(\d+)/.exec(line)?.[1] ?? 0);
  }
  return kilobytes / 1024;
}
