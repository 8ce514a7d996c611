/**
 * Explains whether a run is reusable, resumable or new. The reasons are changes of its spec, data, code and
 * environment.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { basename, dirname, join, resolve } from "node:path";
import { clauseOf } from "../error/clause.ts";
import { shellWord } from "../file/shell_word.ts";
import { UserError } from "../error/user_error.ts";
import { exists, insteadOfFolder, isFolder } from "../file/exists.ts";
import {
  type DataSource,
  describeChange,
  type Environment,
  environmentChanges,
  listRuns,
  type Manifest,
  readManifest,
  readRun,
  type RecordedRun,
  runFolder,
  runPaths,
  type RunSpec,
  seriesOf,
  sourcesHash,
} from "../record/mod.ts";
import { changedFiles } from "../run/code.ts";
import { probeEnvironment } from "../run/environment.ts";
import { findText } from "../run/find_text.ts";
import { type Plan, readPlan } from "../sweep/plan_file.ts";

/** State of a run, and the reasons. */
export interface Explanation {
  /**
   * State of the run. `reusable`: the run is finished and unchanged. `resumable`: the run continues from its
   * checkpoint. `new`: the run starts from the beginning.
   */
  readonly verdict: "reusable" | "resumable" | "new";
  /** One line each for the spec, data, code, environment and the run itself. */
  readonly lines: readonly string[];
}

/** Identity of a recorded or planned run. */
interface Identity {
  readonly id: string;
  readonly spec: RunSpec;
  readonly data: DataSource;
  readonly libSha256: string;
}

/**
 * Explains whether a run is reusable, resumable or new, with reasons.
 *
 * @param folder The run's folder, `DIR/runs/ID`. It may be missing if DIR has a plan.
 * @param options `others`: further sweep folders to search for similar runs. Default: none. `environment`: returns the
 * current environment. Default: probes this machine.
 * @throws {UserError} If the run is neither recorded nor planned, its files are damaged, or another folder is not a
 * sweep folder.
 */
export async function explainRun(
  folder: string,
  { environment = probeEnvironment, others = [] }: {
    environment?: () => Promise<Environment>;
    others?: readonly string[];
  } = {},
): Promise<Explanation> {
  const above = dirname(resolve(folder));
  // Only the location determines the sweep. A copied run elsewhere belongs to no sweep.
  const dir = basename(above) === "runs" ? dirname(above) : undefined;
  for (const other of others) listRuns(other); // throws for other folders
  const plan = dir === undefined ? undefined : readPlan(dir);
  const recorded = exists(runPaths(folder).manifest) ? readRun(folder) : undefined;
  const id = dir === undefined && recorded ? recorded.manifest.runId : basename(resolve(folder));
  const identity = identityOf({ id, plan, recorded });
  if (identity === undefined) throw notExplained(folder, { id, dir, plan });
  const near = nearest(identity, [...(dir === undefined ? [] : [dir]), ...others]);
  const nearLine = near === undefined
    ? "no other run to compare with"
    : `the most similar other run, ${near.name}, differs in ${near.differences.join(", ")}`;
  const data = await dataState(identity.data, dir), code = codeState(identity.libSha256, recorded);
  const planned = plan?.runs.some((run) => run.id === id);
  const lines = [
    `spec: ${
      plan === undefined ? "no plan" : planned ? `in the plan of ${dir}` : `not in the plan of ${dir}`
    }; ${nearLine}`,
    `data: ${data.text}`,
    `code: ${code.text}`,
  ];
  const elsewhere = others.find((other) => isFinishedIn(other, { id, dir }));
  if (elsewhere !== undefined) {
    const had = recorded?.status === "finished"
      ? " too"
      : dir === undefined
      ? ""
      : `; copy it with \`${typedCommand("merge")} ${shellWord(dir)} ${shellWord(elsewhere)}\``;
    lines.push(`elsewhere: this run is finished in ${elsewhere}${had}`);
  }
  if (recorded === undefined) {
    lines.unshift(`run ${id}: planned, not started`);
    const why = elsewhere !== undefined
      ? `it ran in ${elsewhere}, not here`
      : near === undefined
      ? "no similar run is recorded"
      : `no run has the same ID; the most similar differs in ${near.differences.join(", ")}`;
    return { verdict: "new", lines: [...lines, `environment: not recorded`, `→ new: ${why}`] };
  }
  const changes = environmentChanges(recorded.manifest.environment, await environment());
  const mattering = changes.filter(({ matters }) => matters);
  const steps = seriesOf(recorded).steps.length;
  lines.unshift(`run ${id}: ${recorded.status}, ${steps} of ${identity.spec.steps} steps`);
  lines.push(
    changes.length === 0
      ? "environment: the same"
      : `environment: ${
        changes.map((change) => `${describeChange(change)}${change.matters ? "" : " (without effect)"}`).join(
          "; ",
        )
      }`,
  );
  const reasons = [
    ...(planned === false ? ["spec: the run is not in the plan"] : []),
    ...(data.same ? [] : [`data: ${data.text}`]),
    ...(code.same ? [] : [`code: ${code.text}`]),
    ...mattering.map((change) => `environment: ${describeChange(change)}`),
  ];
  if (reasons.length > 0) {
    const hint = reasons.length === mattering.length ? "; --allow-environment-change reuses it" : "";
    return { verdict: "new", lines: [...lines, `→ new: ${reasons.join("; ")}${hint}`] };
  }
  if (recorded.status === "finished") {
    return {
      verdict: "reusable",
      lines: [...lines, "→ reusable: it is finished, and spec, data, code and environment are unchanged"],
    };
  }
  return {
    verdict: "resumable",
    lines: [...lines, `→ resumable: it is ${recorded.status}, and nothing has changed`],
  };
}

/** Returns the error for a folder without a recorded or planned run. */
function notExplained(
  folder: string,
  { id, dir, plan }: { id: string; dir: string | undefined; plan: Plan | undefined },
): UserError {
  const ids = exists(join(folder, "runs")) ? listRuns(folder).map(({ id }) => id) : [];
  const found = dir !== undefined
    ? `a folder without manifest.json, and ${
      plan === undefined ? `${dir} has no plan.json` : `the plan of ${dir} has no run ${id}`
    }`
    : ids.length > 0
    ? `a sweep's folder with ${ids.length === 1 ? "the run" : "runs such as"} ${runFolder(folder, ids[0]!)}`
    : isFolder(folder)
    ? "a folder without manifest.json"
    : insteadOfFolder(folder);
  return new UserError(
    `Cannot explain ${folder}: expected a run's folder, SWEEP/runs/ID, got ${found}. Correct the path.`,
  );
}

function identityOf(
  { id, plan, recorded }: { id: string; plan: Plan | undefined; recorded: RecordedRun | undefined },
): Identity | undefined {
  if (recorded !== undefined) {
    const { spec, data, libSha256 } = recorded.manifest;
    return { id, spec, data, libSha256 };
  }
  const run = plan?.runs.find((run) => run.id === id);
  return run && { id, spec: run.spec, data: plan!.data, libSha256: plan!.libSha256 };
}

/** Returns true if the run is finished in a folder other than its own sweep's. */
function isFinishedIn(other: string, { id, dir }: { id: string; dir: string | undefined }): boolean {
  const folder = runFolder(other, id);
  return resolve(other) !== dir && exists(runPaths(folder).manifest) && readRun(folder).status === "finished";
}

/** Returns the recorded run with the fewest differences, described in words. */
function nearest(
  run: Identity,
  dirs: readonly string[],
): { name: string; differences: string[] } | undefined {
  let best: { name: string; differences: string[] } | undefined;
  for (const { name, other } of recordedIn(dirs)) {
    if (other.id === run.id) continue;
    const differences = differencesOf(other, run);
    if (best === undefined || differences.length < best.differences.length) best = { name, differences };
  }
  return best;
}

function* recordedIn(dirs: readonly string[]): Generator<{ name: string; other: Identity }> {
  for (const dir of dirs) {
    if (!exists(join(dir, "runs"))) continue;
    for (const { id, folder, state } of listRuns(dir)) {
      const manifest = state === "begun" ? manifestIn(folder) : undefined;
      if (manifest === undefined) continue;
      const { spec, data, libSha256 } = manifest;
      yield { name: dirs.length > 1 ? folder : id, other: { id, spec, data, libSha256 } };
    }
  }
}

/** Reads a run's manifest. Returns undefined if it is damaged; `report` describes the damage. */
function manifestIn(folder: string): Manifest | undefined {
  try {
    return readManifest(runPaths(folder).manifest);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function differencesOf(other: Identity, run: Identity): string[] {
  const fields = new Set([...Object.keys(other.spec), ...Object.keys(run.spec)]) as Set<keyof RunSpec>;
  const text = (value: unknown) => JSON.stringify(value) ?? "none";
  const differences = [...fields].filter((field) => text(other.spec[field]) !== text(run.spec[field]))
    .map((field) => `${field} (there ${text(other.spec[field])}, here ${text(run.spec[field])})`);
  if (other.data.sha256 !== run.data.sha256) differences.push("the content of the text");
  if (other.libSha256 !== run.libSha256) differences.push("the code in lib/");
  return differences;
}

async function dataState(
  data: DataSource,
  dir: string | undefined,
): Promise<{ same: boolean; text: string }> {
  try {
    await findText(data, { dir });
    return { same: true, text: `the same (${data.name}, SHA-256 ${data.sha256})` };
  } catch (error) {
    if (error instanceof UserError) return { same: false, text: clauseOf(error) };
    throw error;
  }
}

function codeState(libSha256: string, recorded: RecordedRun | undefined): { same: boolean; text: string } {
  if (libSha256 === sourcesHash()) return { same: true, text: "the same" };
  const commit = recorded?.manifest.environment.gitCommit;
  const files = changedFiles(commit);
  const which = files === undefined || files.length === 0
    ? commit === undefined ? "no commit was recorded" : `it was commit ${commit}`
    : `since commit ${commit} in ${files.slice(0, 8).join(", ")}${
      files.length > 8 ? ` and ${files.length - 8} more` : ""
    }`;
  return { same: false, text: `lib/ has changed: ${which}` };
}
