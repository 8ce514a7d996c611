/**
 * Reading of recorded runs with verification of their last checkpoint and their tokenizer.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { finishOf, readRun, type RecordedRun, runPaths, sha256Hex } from "../record/mod.ts";
import { readIfThere } from "./resume_point.ts";
import { requireRunTokenizer } from "./run_tokenizer.ts";

/**
 * Reads a recorded run, and verifies the checksums of its tokenizer and, if the run is finished, of its last
 * checkpoint.
 *
 * @param folder The run's folder.
 * @throws {UserError} If a file of the run is missing or damaged.
 */
export function readWhole(folder: string): RecordedRun {
  const run = readRun(folder);
  requireRunTokenizer(folder, run.manifest);
  const finish = finishOf(run.events);
  if (finish === undefined) return run;
  const { checkpoint } = runPaths(folder);
  const bytes = readIfThere(checkpoint);
  const sha256 = bytes && sha256Hex(bytes);
  if (sha256 === finish.checkpointSha256) return run;
  throw new UserError(
    `Cannot use ${checkpoint}: expected the file with SHA-256 ${finish.checkpointSha256}, as the journal records, ` +
      `got ${sha256 ?? "no file"}. Restore the file from a copy, or delete the run's folder to run it again.`,
  );
}
