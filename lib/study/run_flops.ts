/**
 * Floating-point operations per step of recorded runs, for reports.
 *
 * @module
 */
import { readJsonFile } from "../file/json.ts";
import { type RecordedRun, runFolder, runPaths } from "../record/mod.ts";
import { stepFlops } from "../run/model_of.ts";

/**
 * Returns the floating-point operations per step, by run ID. Omits runs whose tokenizer is unreadable, because their
 * vocabulary size is unknown.
 *
 * @param dir The sweep's folder.
 */
export function runFlops(dir: string, runs: readonly RecordedRun[]): Map<string, number> {
  const sizes = new Map<string, number | undefined>();
  return new Map(runs.flatMap(({ manifest: { runId, spec, tokenizerSha256 } }) => {
    if (tokenizerSha256 === undefined) return [];
    if (!sizes.has(tokenizerSha256)) {
      sizes.set(tokenizerSha256, vocabularySize(runPaths(runFolder(dir, runId)).tokenizer));
    }
    const V = sizes.get(tokenizerSha256);
    return V === undefined ? [] : [[runId, stepFlops(spec, V)] as const];
  }));
}

/** Returns the number of IDs of a `tokenizer.json`, or undefined if the file is unreadable. */
function vocabularySize(path: string): number | undefined {
  try {
    const { model, added_tokens = [] } = readJsonFile(path, { anyKey: true }) as {
      model: { vocab: Record<string, number> | unknown[] };
      added_tokens?: { id: number }[];
    };
    const ids = Array.isArray(model.vocab) ? [...model.vocab.keys()] : Object.values(model.vocab);
    const largest = [...ids, ...added_tokens.map(({ id }) => id)]
      .reduce((largest, id) => Math.max(largest, id), -1);
    return largest >= 0 ? largest + 1 : undefined;
  } catch {
    return undefined;
  }
}
