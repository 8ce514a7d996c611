/**
 * Parts of a report that its runs do not hold: the commands that reproduce them, and the culprits that `compare` found.
 *
 * @module
 */
import { join, relative, resolve } from "node:path";
import * as v from "valibot";
import type { CulpritFinding } from "../analysis/mod.ts";
import { exists } from "../file/exists.ts";
import { shellWord } from "../file/shell_word.ts";
import { readJson, type RecordedRun } from "../record/mod.ts";

/** The folder in which the commands of a report are typed. */
const ROOT = resolve(import.meta.dirname!, "..", "..");

/**
 * Returns the commands that make a folder's runs again, for losskit's own folder: what the plan lists and the folder
 * lacks, then its first run. They hold whatever planned the runs: a spec, flags, `train`, `experiment` or `compare`.
 */
export function reproduceCommands(dir: string, runs: readonly RecordedRun[]): string[] {
  const inside = relative(ROOT, resolve(dir));
  const folder = inside === "" || inside.startsWith("..") ? resolve(dir) : inside;
  const word = (path: string) => shellWord(path.startsWith("-") ? `./${path}` : path);
  return [
    ...(exists(join(dir, "plan.json")) ? [`deno task sweep --resume --out ${word(folder)}`] : []),
    ...runs.slice(0, 1).map(({ manifest }) =>
      `deno task reproduce ${word(join(folder, "runs", manifest.runId))}`
    ),
  ];
}

/** What the report shows of culprits. */
const shown = v.object({
  format: v.literal("losskit-compare/1"),
  culprits: v.array(v.looseObject({
    setting: v.string(),
    precision: v.string(),
    effect: v.string(),
    sentence: v.string(),
    search: v.looseObject({
      alone: v.array(v.object({
        part: v.object({ layers: v.array(v.string()), opClass: v.string() }),
        share: v.union([v.number(), v.pipe(v.string(), v.transform(Number))]),
      })),
    }),
  })),
});

/**
 * The culprits that `compare` left in a folder; none where it left none.
 *
 * @throws {UserError} when what it left is damaged.
 */
export function readCulprits(dir: string): CulpritFinding[] {
  const path = join(dir, "compare.json");
  try {
    Deno.statSync(path);
  } catch {
    return [];
  }
  return readJson(path, shown, "what compare leaves in a folder").culprits as unknown as CulpritFinding[];
}
