/**
 * Resources of this machine: cores and memory. In a container, its memory limit applies.
 *
 * @module
 */

/** Memory of a machine or a container. */
export interface Memory {
  /** Total memory in bytes. */
  readonly total: number;
  /** Memory in bytes that new processes can use. */
  readonly available: number;
}

/** Files with a container's memory limit and use on Linux: control groups version 2, then version 1. */
const GROUPS = [
  { limit: "/sys/fs/cgroup/memory.max", used: "/sys/fs/cgroup/memory.current" },
  {
    limit: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    used: "/sys/fs/cgroup/memory/memory.usage_in_bytes",
  },
] as const;

/** Returns the memory of the container in which this process runs, or of the machine. */
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

/**
 * Returns the number of concurrent runs of a comparison or an experiment.
 *
 * @param given The number that the user requested. Default: 2, or 1 on a machine with one core.
 */
export function workersOf(given: number | undefined): number {
  return given ?? Math.min(2, navigator.hardwareConcurrency);
}

/** Fraction of the free memory that concurrent runs may use. */
const SHARE = 0.8;

/**
 * Returns the default number of concurrent runs of a sweep: as many as there are cores and runs, and as fit into 80 %
 * of the available memory. At least 1.
 *
 * @param needs `bytes`: peak memory of the largest run in bytes. `runs`: number of runs.
 * @param machine Cores and memory. Default: those of this machine.
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
