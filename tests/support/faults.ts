/**
 * Injects faults into the file operations of processes, with a library that is preloaded before libc.
 *
 * @module
 */
import { join } from "node:path";

/**
 * Fault injected at an operation. `tear` writes half of the data, then kills the process. In a sweep's worker, `power`
 * kills worker and sweep, and `orphan` kills the sweep alone.
 */
export type FaultMode = "kill" | "tear" | "eio" | "enospc" | "power" | "orphan";

/** Faults of a single process. */
export const ALONE: readonly FaultMode[] = ["kill", "tear", "eio", "enospc"];

/** All faults. */
export const FAULT_MODES: readonly FaultMode[] = ["power", "orphan", ...ALONE];

/** Compiled library for fault injection. */
export class Faults {
  readonly #library: string;
  readonly #counter: string;

  /**
   * Compiles the library with the system's C compiler.
   *
   * @param folder Folder of the library and its counter.
   * @throws {Error} If no compiler is installed.
   */
  constructor(folder: string) {
    this.#library = join(folder, "faults.so");
    this.#counter = join(folder, "operations");
    const source = new URL("./faults.c", import.meta.url).pathname;
    const { success, stderr } = new Deno.Command("cc", {
      args: ["-shared", "-fPIC", "-O1", "-o", this.#library, source, "-ldl"],
    }).outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }

  /**
   * Returns environment variables for a process whose operations below a folder are counted from 0.
   *
   * @param root The folder.
   * @param fault Fault, and the number of its operation, from 1. Default: no fault.
   */
  variables(root: string, fault?: { at: number; mode: FaultMode }): Record<string, string> {
    Deno.writeFileSync(this.#counter, new Uint8Array(8));
    return {
      ...{ LD_PRELOAD: this.#library, FAULT_COUNTER: this.#counter, FAULT_ROOT: root },
      ...(fault && { FAULT_AT: String(fault.at), FAULT_MODE: fault.mode }),
    };
  }

  /** Returns the number of operations since the last call of {@linkcode variables}. */
  count(): number {
    return new DataView(Deno.readFileSync(this.#counter).buffer).getInt32(0, true);
  }
}

/** True if faults can be injected here: a C compiler and glibc's LD_PRELOAD are available. */
export function canInject(): boolean {
  try {
    return Deno.build.os === "linux" &&
      new Deno.Command("cc", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
