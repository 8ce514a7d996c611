/**
 * Reruns a recorded run from its manifest, and says whether it comes out the same.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { compareJournals, type Difference, readRun, runPaths } from "../record/mod.ts";
import { executeRun } from "./execute.ts";
import { libHash } from "./plan.ts";

/** The answer. */
export interface Reproduction {
  /** Whether journals are equal and checkpoints byte-equal. */
  readonly identical: boolean;
  /** Where journals part, if they do. */
  readonly difference: Difference | undefined;
  /** What is not as it was when the run was recorded. */
  readonly changes: readonly string[];
}

/**
 * Runs a finished run again, in a temporary folder.
 *
 * @param folder The run's folder.
 * @param options `signal` to stop, `print` for progress.
 * @throws {UserError} when the run is not finished, its text has changed, or it was interrupted.
 */
export async function reproduceRun(
  folder: string,
  options: { signal?: AbortSignal; print: (line: string) => void },
): Promise<Reproduction> {
  const recorded = readRun(folder);
  if (recorded.status !== "finished") {
    throw new UserError(`Cannot reproduce ${folder}: wanted a finished run: it is ${recorded.status}`);
  }
  const again = Deno.makeTempDirSync({ prefix: "losskit-" });
  try {
    const { spec, data } = recorded.manifest;
    const libSha256 = libHash();
    const code = await executeRun({ spec, data, libSha256 }, { ...options, folder: again });
    if (code === EXIT.interrupted) {
      throw new UserError(`Cannot reproduce ${folder}: interrupted`, { exitCode: EXIT.interrupted });
    }
    const rerun = readRun(again);
    const changes = environmentChanges(recorded.manifest.environment, rerun.manifest.environment);
    if (libSha256 !== recorded.manifest.libSha256) changes.unshift("the code in lib/ has changed");
    const difference = compareJournals(recorded.events, rerun.events);
    return { identical: difference === undefined && sameBytes(folder, again), difference, changes };
  } finally {
    Deno.removeSync(again, { recursive: true });
  }
}

function sameBytes(a: string, b: string): boolean {
  const [left, right] = [a, b].map((folder) => Deno.readFileSync(runPaths(folder).checkpoint)) as [
    Uint8Array,
    Uint8Array,
  ];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

function environmentChanges(before: object, after: object): string[] {
  const old = before as Record<string, unknown>;
  return Object.entries(after as Record<string, unknown>)
    .filter(([field, value]) =>
      !field.startsWith("git") && JSON.stringify(value) !== JSON.stringify(old[field])
    )
    .map(([field, value]) => `${field} was ${JSON.stringify(old[field])}, is ${JSON.stringify(value)}`);
}
