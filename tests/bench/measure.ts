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

/** How far resident memory rises above where it stands while `work` runs, MiB. Linux only. */
export function memoryGrowth(work: () => void): number {
  Deno.writeTextFileSync("/proc/self/clear_refs", "5"); // the peak is what is resident now
  const before = Deno.memoryUsage().rss / 2 ** 20;
  work();
  return peakRss() - before;
}
