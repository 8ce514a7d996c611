/**
 * Contents of a report that are not in the records of runs: commands that reproduce the runs, and culprits that
 * `compare` found.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { join, relative, resolve } from "node:path";
import * as v from "valibot";
import type { CulpritFinding } from "../analysis/mod.ts";
import { exists } from "../file/exists.ts";
import { PACKAGE_FOLDER } from "../file/package.ts";
import { shellWord } from "../file/shell_word.ts";
import { readJson, type RecordedRun, requireInside } from "../record/mod.ts";

/**
 * Returns two commands, to be run in the losskit folder. The first command runs the missing runs of a folder's plan.
 * The second command reproduces the first run. Both work for plans of every command: `sweep`, `train`, `experiment` and
 * `compare`.
 */
export function reproduceCommands(dir: string, runs: readonly RecordedRun[]): string[] {
  const inside = PACKAGE_FOLDER === undefined ? "" : relative(PACKAGE_FOLDER, resolve(dir));
  const folder = inside === "" || inside.startsWith("..") ? resolve(dir) : inside;
  const word = (path: string) => shellWord(path.startsWith("-") ? `./${path}` : path);
  return [
    ...(exists(join(dir, "plan.json")) ? [`${typedCommand("sweep")} --resume --out ${word(folder)}`] : []),
    ...runs.slice(0, 1).map(({ manifest }) =>
      `${typedCommand("reproduce")} ${word(join(folder, "runs", manifest.runId))}`
    ),
  ];
}

const part = v.object({ layers: v.array(v.string()), opClass: v.string() });
const number = v.union([v.number(), v.pipe(v.string(), v.transform(Number))]);

/** Culprits in `compare.json`, with the fields shown in the report. */
const shown = v.object({
  format: v.picklist(["losskit-compare/1", "losskit-compare/2"]),
  culprits: v.array(v.looseObject({
    setting: v.string(),
    precision: v.string(),
    effect: v.string(),
    sentence: v.string(),
    search: v.looseObject({ alone: v.array(v.object({ part, share: number })) }),
    biases: v.optional(v.array(v.object({ part, bias: number, coherence: number }))),
  })),
});

/**
 * Returns the culprits recorded in a folder's `compare.json`. Returns an empty list if the file is missing.
 *
 * @throws {UserError} If `compare.json` is damaged, or a link that leaves the folder.
 */
export function readCulprits(dir: string): CulpritFinding[] {
  const path = join(dir, "compare.json");
  requireInside(dir, path);
  try {
    Deno.statSync(path);
  } catch {
    return [];
  }
  return readJson(path, shown, "the result of a comparison").culprits as unknown as CulpritFinding[];
}
