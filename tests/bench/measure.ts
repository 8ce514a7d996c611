/**
 * Statistics of timings, and what this process has used.
 *
 * @module
 */

/** The middle value; of an even number, the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The highest resident memory of this process so far, MiB; 0 where the system does not tell. */
export function peakRss(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/**
 * Memory of its own that this process reads or writes while `work` runs, MiB: what lives at its peak and no less, also
 * where a library keeps memory and uses it again. Linux only.
 */
export function memoryTouched(work: () => void): number {
  Deno.writeTextFileSync("/proc/self/clear_refs", "2"); // no anonymous page counts as used
  work();
  let kilobytes = 0, anonymous = false;
  for (const line of Deno.readTextFileSync("/proc/self/smaps").split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (\d+)/.exec(line);
    if (mapping !== null) anonymous = mapping[1] === "0";
    else if (anonymous) kilobytes += Number(/^Referenced:\s+(\d+)/.exec(line)?.[1] ?? 0);
  }
  return kilobytes / 1024;
}
