/**
 * How two environments differ, and which differences may change a run's numbers.
 *
 * @module
 */
import type { Environment } from "./environment.ts";

/** One field that differs. */
export interface EnvironmentChange {
  /** The field's name. */
  readonly field: keyof Environment;
  /** As it was. */
  readonly before: unknown;
  /** As it is. */
  readonly after: unknown;
  /** Whether results may depend on it. */
  readonly matters: boolean;
}

/**
 * Fields that results do not depend on: the commit and its changes, since the hash of `lib/` stands for the code in a run's
 * identity; the processors that there are, since threads are fixed by the plan.
 */
const WITHOUT_EFFECT: ReadonlySet<keyof Environment> = new Set(["gitCommit", "gitDiffSha256", "cores"]);

/** Every field in which two environments differ. Of the system only its name may matter, not its kernel's release. */
export function environmentChanges(before: Environment, after: Environment): EnvironmentChange[] {
  const old: Environment = { ...before, device: before.device ?? "cpu" }; // recorded before there was a choice
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

/** A change in words. */
export function describeChange({ field, before, after }: EnvironmentChange): string {
  const text = (value: unknown) => value === undefined ? "not known" : JSON.stringify(value);
  return `${field} was ${text(before)}, is ${text(after)}`;
}
