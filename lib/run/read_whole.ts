/**
 * A recorded run whose last checkpoint and tokenizer are the recorded ones.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { readRun, type RecordedRun, runPaths, sha256Hex } from "../record/mod.ts";
import { readIfThere } from "./resume_point.ts";
import { requireRunTokenizer } from "./run_tokenizer.ts";

/**
 * Reads a run, and requires its recorded tokenizer and, of a finished run, its last checkpoint.
 *
 * @throws {UserError} for damage.
 */
export function readWhole(folder: string): RecordedRun {
  const run = readRun(folder);
  requireRunTokenizer(folder, run.manifest);
  const finish = run.events.find((event) => event.event === "finish");
  if (finish === undefined) return run;
  const { checkpoint } = runPaths(folder);
  const bytes = readIfThere(checkpoint);
  const sha256 = bytes && sha256Hex(bytes);
  if (sha256 === finish.checkpointSha256) return run;
  throw new UserError(
    `Cannot use ${checkpoint}: wanted the file with SHA-256 ${finish.checkpointSha256}, as the journal tells: ` +
      (sha256 === undefined ? "there is none" : `it has ${sha256}`),
  );
}
