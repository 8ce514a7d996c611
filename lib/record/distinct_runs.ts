/**
 * Selection of distinct runs. A run that counts twice would narrow confidence intervals.
 *
 * @module
 */
import { canonicalJson } from "./canonical_json.ts";
import { environmentChanges } from "./environment_changes.ts";
import { compareJournals } from "./journal.ts";
import type { RecordedRun } from "./run_folder.ts";

/** Returns true if two records are of the same run, in an equal environment and with equal journals. */
export function isCopy(a: RecordedRun, b: RecordedRun): boolean {
  if (a === b) return true;
  return a.manifest.runId === b.manifest.runId &&
    environmentChanges(a.manifest.environment, b.manifest.environment).length === 0 &&
    compareJournals(a.events, b.events) === undefined;
}

/** Returns runs in order, without copies of earlier runs. */
export function distinctRuns(runs: readonly RecordedRun[]): readonly RecordedRun[] {
  if (new Set(runs.map(({ manifest }) => manifest.runId)).size === runs.length) return runs;
  const earlier = new Map<string, RecordedRun[]>();
  return runs.filter((run) => {
    const { runId, spec } = run.manifest;
    const key = `${runId} ${canonicalJson(spec)}`; // simulated runs may share an ID
    const same = earlier.get(key) ?? [];
    if (same.some((other) => isCopy(run, other))) return false;
    earlier.set(key, [...same, run]);
    return true;
  });
}
