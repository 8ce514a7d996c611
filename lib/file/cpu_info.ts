/**
 * Linux's description of the processor.
 *
 * @module
 */

/** Model and features of a processor. */
export interface CpuInfo {
  /** Name of the model. Undefined if the file does not have it, as on most ARM machines. */
  readonly model: string | undefined;
  /** Names of features, such as `avx512f`. */
  readonly flags: ReadonlySet<string>;
}

/**
 * Reads the model and the features of the first processor from `/proc/cpuinfo`.
 *
 * @returns Undefined if the file does not exist (not Linux) or Deno may not read it.
 */
export function readCpuInfo(): CpuInfo | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync("/proc/cpuinfo");
  } catch {
    return undefined;
  }
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "mi").exec(text)?.[1]?.trim();
  return {
    model: field("model name"),
    flags: new Set((field("flags") ?? field("Features") ?? "").split(/\s+/)),
  };
}
