/**
 * Reproduction of a run, or of all runs of a sweep.
 *
 * @module
 */
import { join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { insteadOfFolder, isFolder } from "../file/exists.ts";
import { listRuns } from "../record/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { type ReproduceOptions, reproduceRun, type Reproduction } from "./reproduce.ts";

/** Result of one run's reproduction. */
export interface ReproducedRun {
  /** Folder of the run. */
  readonly folder: string;
  /** Result of the comparison. */
  readonly reproduction: Reproduction;
  /** Result in one sentence. */
  readonly sentence: string;
}

/**
 * Reproduces a run, or all runs of a sweep one after the other. Continues after a run that cannot be reproduced.
 *
 * @param folder Folder of a run or a sweep.
 * @param options Options of each reproduction.
 * @returns Yields the result of each run as soon as the run is finished.
 * @throws {UserError} If the folder is missing or contains no runs, or the reproduction is interrupted.
 */
export async function* reproduceRuns(
  folder: string,
  options: ReproduceOptions = {},
): AsyncGenerator<ReproducedRun> {
  requireDevice();
  if (!isFolder(folder)) {
    throw new UserError(
      `Cannot reproduce ${folder}: expected a run's or a sweep's folder, got ${
        insteadOfFolder(folder)
      }. Correct the path.`,
    );
  }
  const folders = isFolder(join(folder, "runs"))
    ? listRuns(folder).filter(({ state }) => state !== "foreign").map(({ folder }) => folder)
    : [folder];
  if (folders.length === 0) {
    throw new UserError(
      `Cannot reproduce ${folder}: expected a sweep's folder with runs, got one without runs.`,
    );
  }
  for (const folder of folders) {
    const reproduction = await reproduceOrRefuse(folder, options);
    yield { folder, reproduction, sentence: sentenceOf(reproduction) };
  }
}

async function reproduceOrRefuse(folder: string, options: ReproduceOptions): Promise<Reproduction> {
  try {
    return await reproduceRun(folder, options);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== EXIT.badInput) throw error;
    return { answer: "cannot", reason: error.message, changes: [] };
  }
}

function sentenceOf(result: Reproduction): string {
  if (result.answer === "identical") return "identical";
  if (result.answer === "cannot") return `not reproduced: ${result.reason}`;
  if (result.answer === "within tolerance") {
    return result.largest === 0
      ? "within tolerance: all losses are equal; gradient norms or final weights differ"
      : `within tolerance: losses differ by at most ${
        result.largest.toExponential(2)
      } nats, at step ${result.at}`;
  }
  const { step, field, a, b } = result.difference;
  const why = result.changes.length === 0 ? "; no field of the environment differs" : "";
  return `diverged at step ${step}: ${field} was ${a}, is now ${b}${why}`;
}
