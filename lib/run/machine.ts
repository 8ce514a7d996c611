/**
 * What this machine has for runs: memory, as the system or a container's limit says, and cores.
 *
 * @module
 */

/** Memory in bytes. */
export interface Memory {
  /** What a process could have at most. */
  readonly total: number;
  /** What is free now. */
  readonly available: number;
}

/** Where Linux tells a container's limit and use: version 2 of control groups, then version 1. */
const GROUPS = [
  { limit: "/sys/fs/cgroup/memory.max", used: "/sys/fs/cgroup/memory.current" },
  {
    limit: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    used: "/sys/fs/cgroup/memory/memory.usage_in_bytes",
  },
] as const;

/** The memory that there is. */
export function machineMemory(): Memory {
  const { total, available } = Deno.systemMemoryInfo();
  for (const { limit, used } of GROUPS) {
    const most = numberIn(limit), now = numberIn(used);
    if (most !== undefined && now !== undefined && most < total) {
      return { total: most, available: Math.min(available, Math.max(0, most - now)) };
    }
  }
  return { total, available };
}

function numberIn(path: string): number | undefined {
  try {
    const value = Number(Deno.readTextFileSync(path).trim());
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The share of free memory that runs at once may fill. */
const SHARE = 0.8;

/**
 * Runs at once that fit: as many as there are cores, runs, and room for in memory.
 *
 * @param needs Bytes of the largest run, and how many runs there are.
 * @param machine Cores and memory. Default: this machine's.
 */
export function defaultWorkers(
  needs: { bytes: number; runs: number },
  machine: { cores: number; memory: Memory } = {
    cores: navigator.hardwareConcurrency,
    memory: machineMemory(),
  },
): number {
  const fit = Math.floor(SHARE * machine.memory.available / needs.bytes);
  return Math.max(1, Math.min(machine.cores, needs.runs, fit));
}
