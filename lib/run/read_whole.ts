/**
 * Reads recorded runs and verifies their last checkpoint and tokenizer.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { finishOf, readRun, type RecordedRun, runPaths, sha256Hex } from "../record/mod.ts";
import { readIfThere } from "./resume_point.ts";
import { requireRunTokenizer } from "./run_tokenizer.ts";

/**
 * Reads a run. Verifies the tokenizer and, for a finished run, the last checkpoint.
 *
 * @throws {UserError} For a damaged run.
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
