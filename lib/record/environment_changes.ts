/**
 * Differences between two environments, and whether results may depend on them.
 *
 * @module
 */
import type { Environment } from "./environment.ts";

/** A field that differs between two environments. */
export interface EnvironmentChange {
  /** Name of the field. */
  readonly field: keyof Environment;
  /** Previous value. */
  readonly before: unknown;
  /** Current value. */
  readonly after: unknown;
  /** True if results may depend on the field. */
  readonly matters: boolean;
}

/**
 * Fields without effect on results. The ID covers the code, so the commit does not matter. The plan fixes the threads,
 * so the number of processors does not matter.
 */
const WITHOUT_EFFECT: ReadonlySet<keyof Environment> = new Set(["gitCommit", "gitDiffSha256", "cores"]);

/** Returns all fields that differ. For the operating system, only the name matters, not the kernel release. */
export function environmentChanges(before: Environment, after: Environment): EnvironmentChange[] {
  const old: Environment = { ...before, device: before.device ?? "cpu" }; // old records omit the CPU
  const fields = new Set([...Object.keys(old), ...Object.keys(after)]) as Set<keyof Environment>;
  return [...fields].filter((field) => JSON.stringify(old[field]) !== JSON.stringify(after[field]))
    .map((field) => ({
      field,
      before: old[field],
      after: after[field],
      matters: matters(field, [old, after]),
    }));
}

function matters(field: keyof Environment, [old, after]: [Environment, Environment]): boolean {
  if (field === "os") return old.os.split(" ")[0] !== after.os.split(" ")[0];
  return !WITHOUT_EFFECT.has(field);
}

/** Describes a change in words. */
export function describeChange({ field, before, after }: EnvironmentChange): string {
  const text = (value: unknown) => value === undefined ? "unknown" : JSON.stringify(value);
  return `${field} was ${text(before)}, is ${text(after)}`;
}
